//! Progress on a terminal, drawn by the thread that calls, at most ten times a second.
//!
//! Whether there is a terminal to draw on is the caller's to know; without one there is no [`Live`].

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Each time the position and then the message are set, and each of them paints: ten paintings a second.
const REPAINT: Duration = Duration::from_millis(200);

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Targets reported.
    pub done: usize,
    /// Targets being worked on.
    pub running: usize,
    /// Of those done: failed.
    pub failed: usize,
}

/// A line on stderr that shows how far a run is. It is gone when this is dropped, however that comes about.
#[derive(Debug)]
pub(crate) struct Live {
    bar: ProgressBar,
    /// Between two repaints an event costs one look at the clock, whatever drawing costs.
    next: Instant,
}

impl Live {
    /// Begins to show progress towards `total` targets.
    pub(crate) fn new(total: usize, colour: bool) -> Live {
        // The rate is kept in `tick`; a second limiter would only drop repaints that are due.
        Live::on(ProgressDrawTarget::stderr_with_hz(100), total, colour)
    }

    fn on(target: ProgressDrawTarget, total: usize, colour: bool) -> Live {
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        bar.set_style(style(colour));
        Live { bar, next: Instant::now() }
    }

    /// Shows `progress`, if it is time to. Call it while waiting, too: the clock is part of the line.
    pub(crate) fn tick(&mut self, progress: Progress) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + REPAINT;
        let message = format!("{} running, {} failed", progress.running, progress.failed);
        self.bar.update(|state| state.set_pos(progress.done as u64));
        self.bar.set_message(message);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(colour: bool) -> ProgressStyle {
    let template = if colour {
        "{bar:24.cyan} {pos}/{len} targets, {msg}, {elapsed}"
    } else {
        "{bar:24} {pos}/{len} targets, {msg}, {elapsed}"
    };
    // The templates are constants and are drawn by the tests; a bar in another style is still a bar.
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("#>-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    /// A terminal that remembers what was written to it.
    #[derive(Debug, Clone, Default)]
    struct Paper(Arc<Mutex<Vec<String>>>);

    impl Paper {
        fn note(&self, s: &str) -> io::Result<()> {
            self.0.lock().unwrap().push(s.to_owned());
            Ok(())
        }

        fn live(&self, total: usize) -> Live {
            Live::on(ProgressDrawTarget::term_like(Box::new(self.clone())), total, false)
        }

        fn repaints(&self) -> usize {
            self.0.lock().unwrap().iter().filter(|s| s.contains("targets")).count()
        }
    }

    impl indicatif::TermLike for Paper {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, s: &str) -> io::Result<()> {
            self.note(s)
        }
        fn write_str(&self, s: &str) -> io::Result<()> {
            self.note(s)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.note("<clear>")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_line_says_how_far_it_is_and_is_cleared() {
        let paper = Paper::default();
        let mut live = paper.live(4);
        live.tick(Progress { done: 1, running: 2, failed: 1 });
        let line = paper.0.lock().unwrap().iter().rfind(|s| s.contains("targets")).unwrap().clone();
        assert!(line.contains("1/4 targets, 2 running, 1 failed, 0s"), "{line:?}");
        drop(live);
        assert_eq!(paper.0.lock().unwrap().last().map(String::as_str), Some("<clear>"));
    }

    #[test]
    fn ten_thousand_events_are_a_handful_of_repaints() {
        let paper = Paper::default();
        let mut live = paper.live(10_000);
        let begun = Instant::now();
        for done in 0..10_000 {
            live.tick(Progress { done, ..Progress::default() });
        }
        let due = begun.elapsed().as_millis() as usize / 200 + 1;
        assert!(paper.repaints() <= 2 * due, "{} repaints where {due} were due", paper.repaints());
    }
}
