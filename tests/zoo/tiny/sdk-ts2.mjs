// A small server on the TypeScript SDK 2.x: three tools, a resource, a template and a prompt.
//
//   node sdk-ts2.mjs [--http PORT] [--modern-only]
//
// Without --http it speaks over stdio. --modern-only refuses `initialize`.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer, ResourceTemplate, createMcpHandler } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

const { values: flags } = parseArgs({
  options: { http: { type: 'string' }, 'modern-only': { type: 'boolean', default: false } },
});

const text = (uri, body) => ({ contents: [{ uri: uri.href, mimeType: 'text/plain', text: body }] });

function tinyServer() {
  const server = new McpServer(
    { name: 'hawkeye-tiny-ts', title: 'Tiny server', version: '2.4.0' },
    { instructions: 'Ask for the weather; it is always fine.' },
  );
  for (const kind of ['forecast', 'history', 'alerts']) {
    server.registerTool(
      `weather_${kind}`,
      {
        title: `Weather: ${kind}`,
        description: `The ${kind} of a place — 25 °C, naïvely ☀`,
        inputSchema: z.object({ place: z.string().describe('Where'), days: z.number().int().optional() }),
        outputSchema: z.object({ summary: z.string() }),
        annotations: { readOnlyHint: kind !== 'alerts' },
      },
      async ({ place }) => {
        const summary = `${place}: fine`;
        return { content: [{ type: 'text', text: summary }], structuredContent: { summary } };
      },
    );
  }
  server.registerResource('atlas', 'tiny://atlas', { description: 'All places' }, async (uri) => text(uri, 'Here'));
  server.registerResource(
    'place',
    new ResourceTemplate('tiny://place/{name}', { list: undefined }),
    { description: 'One place' },
    async (uri) => text(uri, uri.href),
  );
  server.registerPrompt(
    'plan_trip',
    { description: 'Plans a trip', argsSchema: z.object({ place: z.string() }) },
    ({ place }) => ({ messages: [{ role: 'user', content: { type: 'text', text: `Plan a trip to ${place}.` } }] }),
  );
  return server;
}

const options = flags['modern-only'] ? { legacy: 'reject' } : {};
if (flags.http === undefined) {
  serveStdio(tinyServer, options);
} else {
  const mcp = toNodeHandler(createMcpHandler(tinyServer, options));
  createServer((request, response) => {
    if (request.url === '/mcp') return mcp(request, response);
    response.writeHead(404).end();
  }).listen(Number(flags.http), '127.0.0.1');
}
