//! What is different about a server, before and after side by side, and when it changed earlier.

use std::fmt::Write;

use super::shown::text;
use crate::base::text::plural;
use crate::model::drift::{Detail, Difference, Drift};

/// Differences shown of one server, and places shown of one difference.
const DIFFERENCES: usize = 100;
const PLACES: usize = 20;
/// Earlier changes shown of one server: the latest.
const MOMENTS: usize = 50;
/// Characters of a text before or after.
const TEXT: usize = 2_000;

/// The section about drift in a server's part of the page.
pub(super) fn section(out: &mut String, drift: &Drift) {
    let since = drift.since.file.as_deref().or(drift.since.run.as_deref());
    let since = since.map_or(String::new(), |what| format!(" ({})", text(what, 200)));
    let _ = write!(
        out,
        "<section class=\"drift\"><h4>Changes since <time>{}</time>{since}</h4>",
        text(&drift.since.at, 40)
    );
    if drift.changes.is_empty() {
        out.push_str("<p>None.</p>");
    } else {
        out.push_str("<ul class=\"changes\">");
        drift.changes.iter().take(DIFFERENCES).for_each(|change| difference(out, change));
        out.push_str("</ul>");
        more(out, drift.changes.len(), DIFFERENCES, "more change");
    }
    timeline(out, drift);
    out.push_str("</section>\n");
}

fn difference(out: &mut String, change: &Difference) {
    let how = change.change.name();
    let _ = write!(
        out,
        "<li class=\"{how}\"><span class=\"how\">{how}</span> {} <bdi>{}</bdi>",
        change.what.name(),
        text(&change.name, 200)
    );
    change.details.iter().take(PLACES).for_each(|detail| before_and_after(out, detail));
    more(out, change.details.len(), PLACES, "more place");
    out.push_str("</li>");
}

fn before_and_after(out: &mut String, detail: &Detail) {
    out.push_str("<div class=\"diff\">");
    if !detail.pointer.is_empty() {
        let _ = write!(out, "<code>{}</code>", text(&detail.pointer, 200));
    }
    let (before, after) = (detail.before.as_deref(), detail.after.as_deref());
    let same = shared_ends(before.unwrap_or_default(), after.unwrap_or_default());
    if let Some(before) = before {
        side(out, "Before", "del", before, same);
    }
    if let Some(after) = after {
        side(out, "After", "ins", after, same);
    }
    out.push_str("</div>");
}

/// One text, what is different in it marked.
fn side(out: &mut String, label: &str, tag: &str, whole: &str, (start, end): (usize, usize)) {
    let (head, rest) = whole.split_at(start);
    let (middle, tail) = rest.split_at(rest.len() - end);
    let _ = write!(
        out,
        "<p><span class=\"side\">{label}</span> <bdi>{}<{tag}>{}</{tag}>{}</bdi></p>",
        text(head, TEXT),
        text(middle, TEXT),
        text(tail, TEXT)
    );
}

/// Bytes that two texts have in common at their start and at their end, in whole words.
fn shared_ends(a: &str, b: &str) -> (usize, usize) {
    let start = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum();
    let whole = |at: usize| a[at..].is_empty() && b[at..].is_empty();
    let start = if whole(start) { start } else { a[..start].rfind(' ').map_or(0, |blank| blank + 1) };
    let ends = a[start..].chars().rev().zip(b[start..].chars().rev());
    let end: usize = ends.take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum();
    let tail = &a[a.len() - end..];
    let end = tail.find(' ').map_or(0, |blank| end - blank);
    (start, end)
}

fn timeline(out: &mut String, drift: &Drift) {
    if drift.timeline.is_empty() {
        return;
    }
    let unseen = drift.timeline.len().saturating_sub(MOMENTS);
    out.push_str("<h5>Earlier changes</h5>");
    if unseen > 0 {
        let _ = write!(out, "<p class=\"more\">{} before these.</p>", plural(unseen, "change"));
    }
    out.push_str("<ol class=\"timeline\">");
    for moment in &drift.timeline[unseen..] {
        let _ = write!(
            out,
            "<li><time>{}</time> <span>{}</span> <code>{}</code></li>",
            text(&moment.at, 40),
            text(&moment.what, 300),
            text(&moment.run, 60)
        );
    }
    out.push_str("</ol>");
}

fn more(out: &mut String, all: usize, shown: usize, noun: &str) {
    if all > shown {
        let _ =
            write!(out, "<p class=\"more\">{}, listed in the JSON report.</p>", plural(all - shown, noun));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_texts_share_is_cut_at_words() {
        let cut = |a: &'static str, b: &'static str| {
            let (start, end) = shared_ends(a, b);
            (&a[start..a.len() - end], &b[start..b.len() - end])
        };
        assert_eq!(cut("reads one file", "reads every file"), ("one", "every"));
        assert_eq!(cut("reads a file", "reads a file and sends it"), ("file", "file and sends it"));
        assert_eq!(cut("same", "same"), ("", ""));
        assert_eq!(cut("", "new"), ("", "new"));
        assert_eq!(cut("a a", "a a a"), ("a", "a a"));
        assert_eq!(cut("ä ö", "ä ü"), ("ö", "ü"));
    }
}
