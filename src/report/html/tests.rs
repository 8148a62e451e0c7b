//! Whole pages: the golden one, which a real browser is shown as well, hostile text, and size.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use super::*;
use crate::base::text::is_deceptive;
use crate::model::finding::Severity;
use crate::model::run::Tally;
use crate::report::exhibits::{client, finding, gallery, gallery_run, wicked, wicked_with};
use crate::report::specimens::{complete, run_end};

/// A writer whose bytes can be looked at while a sink has it.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn page(outcomes: &[Outcome], clients: &[Client]) -> String {
    let out = Shared::default();
    let mut sink = HtmlSink::new(out.clone());
    sink.begin(&gallery_run()).unwrap();
    for (index, outcome) in outcomes.iter().enumerate() {
        sink.outcome(index, outcome).unwrap();
    }
    clients.iter().for_each(|client| sink.client(client).unwrap());
    let mut end = run_end(outcomes);
    clients.iter().for_each(|client| end.tally.add_client(client));
    sink.end(&end).unwrap();
    let bytes = out.0.borrow().clone();
    String::from_utf8(bytes).unwrap()
}

/// The page without what the program puts there itself.
fn without_style_and_script(page: &str) -> String {
    let page = page.replacen(STYLE, "", 1).replacen(SCRIPT, "", 1);
    assert!(page.contains("<style></style>") && page.contains("<script></script>"));
    page
}

#[test]
fn the_page_in_full() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/report.html");
    let page = page(&gallery(), &[client()]);
    if std::env::var_os("HAWKEYE_TEST_WRITE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    let differs = page.lines().zip(golden.lines()).find(|(now, then)| now != then);
    assert_eq!(differs, None, "HAWKEYE_TEST_WRITE=1 writes it anew");
    assert_eq!(page.len(), golden.len());
}

#[test]
fn the_worst_comes_first_and_equals_in_the_order_of_the_plan() {
    let outcomes = [complete(), complete(), gallery()[3].clone(), gallery()[0].clone()];
    let page = page(&outcomes, &[]);
    let at = |index| page.find(&format!("<article class=\"server\" id=\"s{index}\"")).unwrap();
    assert!(at(2) < at(3) && at(3) < at(0) && at(0) < at(1));
    assert!(page.contains("id=\"s2\" aria-labelledby=\"n2\"><details open>"));
    assert!(page.contains("id=\"s0\" aria-labelledby=\"n0\"><details><summary>"));
}

#[test]
fn nothing_that_a_server_says_becomes_markup() {
    let hostile = without_style_and_script(&page(&[wicked()], &[]));
    for forbidden in [
        "<script>alert",
        "<img",
        "<style>*",
        "<a href=javascript",
        "href=\"javascript",
        "onerror=alert(2)>\"",
    ] {
        assert!(!hostile.contains(forbidden), "{forbidden}");
    }
    assert!(hostile.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!hostile.chars().any(|c| c != '\n' && is_deceptive(c)));
    // As many tags as with plain words in the same places, but for the marks round what is not visible.
    let tags = |page: &str| page.matches('<').count() - 2 * page.matches("<span class=\"esc\">").count();
    let plain = without_style_and_script(&page(&[wicked_with("plain")], &[]));
    assert_eq!(tags(&hostile), tags(&plain));
}

#[test]
fn nothing_stands_between_what_is_sorted() {
    let page = page(&gallery(), &[client()]);
    let between = |before: &str, start: &str| page.matches(&format!("{before}{start}")).count();
    let others = gallery().len() - 1;
    assert_eq!(between("</article>", "<article class=\"server\""), others);
    assert_eq!(between("</tr>", "<tr role=\"row\" data-server="), others);
}

#[test]
fn a_page_of_nothing_says_so() {
    let page = page(&[], &[]);
    assert!(page.contains("There was no server to look at."), "{}", without_style_and_script(&page));
}

#[test]
fn a_page_asks_nobody_for_anything() {
    let page = page(&gallery(), &[client()]);
    let own = without_style_and_script(&page);
    // Links that somebody may follow, and nothing else that has an address.
    let addresses = own.matches("=\"http").count();
    assert!(addresses > 0 && addresses == own.matches("<a class=\"reference\" href=\"https://").count());
    assert!(!own.contains(" src=\"") && !own.contains("<link") && !own.contains(" style=\""));
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    for request in ["fetch(", "XMLHttp", "import(", "innerHTML", "eval(", "document.write", "insertAdjacent"]
    {
        assert!(!SCRIPT.contains(request), "{request}");
    }
}

#[test]
fn many_findings_are_counted_and_few_are_told() {
    let many: Vec<_> =
        (0..500).map(|i| finding("HK-CAP-004", Severity::Low, &format!("number {i}"), "/tools/0")).collect();
    let crowd = Outcome { findings: many, ..complete() };
    let small = page(std::slice::from_ref(&crowd), &[]);
    assert_eq!(small.matches("<li class=\"finding\"").count(), MOST);
    assert!(small.contains("450 more like these, listed in the JSON report."));
    // What the script counts is what is written.
    assert!(small.contains("<details class=\"rule\" data-rule=\"HK-CAP-004\" data-more=\"450\">"));
    let out = Shared::default();
    let mut sink = HtmlSink::new(out.clone());
    sink.begin(&RunInfo { planned: 1_000_000, ..gallery_run() }).unwrap();
    sink.outcome(0, &crowd).unwrap();
    sink.end(&RunEnd { tally: Tally::default(), ..run_end(&[]) }).unwrap();
    let text = String::from_utf8(out.0.borrow().clone()).unwrap();
    assert_eq!(text.matches("<li class=\"finding\"").count(), LEAST);
    let twice = "What it offers, by name";
    assert!(small.contains(twice) && !text.contains(twice));
}

#[test]
fn a_server_cannot_make_a_page_of_any_size() {
    let mut outcome = wicked();
    let long = "<".repeat(1 << 20);
    outcome.name.clone_from(&long);
    outcome.stderr = Some(long.clone());
    outcome.inventory.instructions = Some(long.clone());
    outcome.tags = vec![long.clone(); 100];
    outcome.owners = vec![outcome.owners[0].clone(); 10_000];
    let worst = Finding { message: long, ..outcome.findings[0].clone() };
    outcome.findings = vec![worst; 100];
    let page = page(&[outcome], &[]);
    assert!(page.len() < 700_000, "{} bytes", page.len());
}
