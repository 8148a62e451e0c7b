"""A small server on the Python SDK 2.x: two tools, a resource, a template and a prompt.

    sdk_py2.py [--http PORT | --sse PORT]      (stdio without either)
"""

import argparse

from mcp.server import MCPServer

server = MCPServer(
    "hawkeye-tiny-py",
    version="2.3.0",
    instructions="Ask for the weather; it is always fine.",
    log_level="WARNING",
)


@server.tool()
def convert(celsius: float) -> float:
    """Turn degrees Celsius into degrees Fahrenheit."""
    return celsius * 9 / 5 + 32


@server.tool(title="Average temperature")
def average(readings: dict[str, list[float]], ndigits: int = 1) -> float:
    """Average the readings of several stations."""
    every = [reading for station in readings.values() for reading in station]
    return round(sum(every) / len(every), ndigits)


@server.resource("tiny://atlas")
def atlas() -> str:
    return "Here"


@server.resource("tiny://place/{name}")
def place(name: str) -> str:
    return name


@server.prompt()
def plan_trip(place: str) -> str:
    """Plan a trip."""
    return f"Plan a trip to {place}."


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", type=int, metavar="PORT")
    parser.add_argument("--sse", type=int, metavar="PORT")
    flags = parser.parse_args()
    if flags.http:
        server.run("streamable-http", host="127.0.0.1", port=flags.http)
    elif flags.sse:
        server.run("sse", host="127.0.0.1", port=flags.sse)
    else:
        server.run("stdio")
