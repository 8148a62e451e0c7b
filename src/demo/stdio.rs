//! The stdio transport: one message per line, until the client closes our stdin.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use super::DemoOptions;
use super::answer::{Answerer, Conversation};

/// A line longer than this ends the server: no client of ours sends one.
const LINE_BYTES: u64 = 8 << 20;

/// Speaks over this process's stdin and stdout until stdin ends.
pub(crate) fn serve_stdio(options: &DemoOptions) -> io::Result<()> {
    let answerer = Answerer::new(options.persona, &options.revisions).changing_after(options.mutate_after);
    serve_lines(io::stdin().lock(), io::stdout().lock(), &answerer, options.delay)
}

fn serve_lines(input: impl Read, mut output: impl Write, by: &Answerer, delay: Duration) -> io::Result<()> {
    let mut input = BufReader::new(input);
    let mut conversation = Conversation::default();
    let mut arrived = Instant::now();
    let mut line = Vec::new();
    loop {
        // Lines written together arrived together, and a server that works on them side by side
        // answers them all after one delay.
        let burst_goes_on = !input.buffer().is_empty();
        line.clear();
        if input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.len() as u64 == LINE_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "line too long"));
        }
        if !burst_goes_on {
            arrived = Instant::now();
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        if let Some(mut answer) = by.answer(&mut conversation, text.trim()) {
            thread::sleep(delay.saturating_sub(arrived.elapsed()));
            answer.push('\n');
            output.write_all(answer.as_bytes())?;
            output.flush()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::Persona;
    use crate::model::revision::Revision;

    const INPUT: &str = concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#,
        "\r\n\n",
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":"b","method":"ping"}"#,
    );

    #[test]
    fn every_request_has_one_line_in_order_and_a_burst_has_one_delay() {
        let by = Answerer::new(Persona::Files, &[Revision::V2025_06_18]);
        let (mut out, start) = (Vec::new(), Instant::now());
        let delay = Duration::from_millis(500);
        serve_lines(INPUT.as_bytes(), &mut out, &by, delay).unwrap();
        assert!((delay..delay * 2).contains(&start.elapsed()), "{:?}", start.elapsed());
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].contains(r#""protocolVersion":"2025-06-18""#), "{text}");
        assert_eq!(lines[1], r#"{"jsonrpc":"2.0","id":"b","result":{}}"#);
    }
}
