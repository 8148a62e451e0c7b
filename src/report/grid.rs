//! The table's columns: their widths on a given terminal, and the lines that result.
//!
//! Every cell stays on one line. What is too long is cut; what does not fit at all is left out in a fixed
//! order, least needed first, so that name, status and tools always remain.

use std::ops::Range;

use comfy_table::{Cell, CellAlignment, ColumnConstraint, Row, Table, Width, presets};

use super::Style;
use crate::model::outcome::Status;

pub(super) const NAME: usize = 0;
pub(super) const VIA: usize = 1;
const STATUS: usize = 2;
pub(super) const REVISION: usize = 3;
pub(super) const SERVER: usize = 4;
/// The four counts, in the order of `List::ALL`.
pub(super) const COUNTS: Range<usize> = 5..9;
pub(super) const MS: usize = 9;
pub(super) const COLUMNS: usize = 10;

/// A row's text; the status column is filled in here.
pub(super) type Cells = [String; COLUMNS];

const HEADS: [&str; COLUMNS] =
    ["name", "transport", "status", "revision", "server", "tools", "resources", "templates", "prompts", "ms"];
const SHORT_HEADS: [&str; COLUMNS] =
    ["name", "via", "status", "revision", "server", "tools", "res", "tmpl", "prompts", "ms"];
/// Left out in this order where there is no room.
const DISPENSABLE: [usize; 7] = [SERVER, REVISION, VIA, MS, 7, 8, 6];
/// Where rows are written one by one: room for what most servers are called and count.
const FIXED: [u16; COLUMNS] = [28, 9, 15, 10, 32, 5, 5, 5, 5, 6];
/// Name and server are cut to no less than this before other columns make room.
const LEAST: u16 = 10;

/// Stand-ins for escape sequences while widths are counted: invisible, and never part of a cell, since
/// cells hold visible text only.
const MARKS: [(char, &str); 5] = [
    ('\u{2061}', "\x1b[32m"),
    ('\u{2062}', "\x1b[33m"),
    ('\u{2063}', "\x1b[31m"),
    ('\u{2064}', "\x1b[2m"),
    ('\u{200b}', "\x1b[0m"),
];

/// The status in words.
pub(super) const fn words(status: Status) -> &'static str {
    match status {
        Status::Complete => "complete",
        Status::Partial => "partial",
        Status::Failed => "failed",
        Status::NotEvaluated => "not evaluated",
    }
}

/// Header and rows as lines without trailing blanks.
pub(super) fn lines<'a>(rows: impl Iterator<Item = (Status, &'a Cells)>, style: Style) -> Vec<String> {
    let mut table = table(rows, style);
    let layout = Layout::fit(&table.column_max_content_widths(), style.width);
    layout.apply(&mut table);
    finished(&table, style)
}

/// The header and at most one row, in columns that are as wide whatever is in them.
pub(super) fn fixed(one: Option<(Status, &Cells)>, style: Style) -> Vec<String> {
    let mut table = table(one.into_iter(), style);
    let layout = Layout::fit(&FIXED, style.width);
    layout.apply(&mut table);
    for (index, column) in table.column_iter_mut().enumerate() {
        if layout.shows(index) && index != NAME && index != SERVER {
            let width = FIXED[index].max(layout.heads[index].len() as u16);
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width + layout.gap)));
        }
    }
    finished(&table, style)
}

fn table<'a>(rows: impl Iterator<Item = (Status, &'a Cells)>, style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    // Cells are cut in the middle of words, not at a blank that happens to be there.
    table.set_delimiter('\0').set_truncation_indicator(if style.unicode { "…" } else { "~" });
    for (status, cells) in rows {
        table.add_row(row(status, cells, style));
    }
    table
}

fn finished(table: &Table, style: Style) -> Vec<String> {
    let mut lines: Vec<String> = table.lines().map(|line| coloured(line.trim_end_matches(' '))).collect();
    if style.colour
        && let Some(head) = lines.first_mut()
    {
        *head = format!("\x1b[1m{head}\x1b[0m");
    }
    lines
}

fn row(status: Status, cells: &Cells, style: Style) -> Row {
    let status = status_cell(status, style);
    let mut row: Row = cells.iter().enumerate().map(|(i, c)| if i == STATUS { &status } else { c }).into();
    row.max_height(1);
    row
}

fn status_cell(status: Status, style: Style) -> String {
    let (symbol, ascii, mark) = match status {
        Status::Complete => ('✓', '+', '\u{2061}'),
        Status::Partial => ('◐', '~', '\u{2062}'),
        Status::Failed => ('✗', 'x', '\u{2063}'),
        Status::NotEvaluated => ('○', '-', '\u{2064}'),
    };
    let text = format!("{} {}", if style.unicode { symbol } else { ascii }, words(status));
    if style.colour { format!("{mark}{text}\u{200b}") } else { text }
}

fn coloured(line: &str) -> String {
    MARKS.iter().fold(line.to_owned(), |line, (mark, sequence)| line.replace(*mark, sequence))
}

/// Which columns are shown, and how wide.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    heads: [&'static str; COLUMNS],
    gap: u16,
    hidden: &'static [usize],
    name: u16,
    server: u16,
}

impl Layout {
    /// The roomiest layout for cells of these widths that fits in `limit`, or else the tightest there is.
    fn fit(cells: &[u16], limit: Option<u16>) -> Layout {
        let mut layout = Layout {
            heads: HEADS,
            gap: 2,
            hidden: &[],
            name: cells[NAME].max(4),
            server: cells[SERVER].max(6),
        };
        let Some(limit) = limit else { return layout };
        let (name, server) = (layout.name, layout.server);
        for step in 0..3 + DISPENSABLE.len() {
            layout.heads = if step == 0 { HEADS } else { SHORT_HEADS };
            layout.gap = if step < 2 { 2 } else { 1 };
            layout.hidden = &DISPENSABLE[..step.saturating_sub(2)];
            let room = limit.saturating_sub(layout.fixed(cells));
            let least = if layout.shows(SERVER) { server.min(LEAST) } else { 0 };
            if room >= name.min(LEAST) + least || step == 2 + DISPENSABLE.len() {
                layout.server =
                    if least == 0 { 0 } else { server.min((room / 2).max(room.saturating_sub(name))) };
                layout.name = name.min(room - layout.server).max(1);
                break;
            }
        }
        layout
    }

    fn shows(&self, column: usize) -> bool {
        !self.hidden.contains(&column)
    }

    /// What everything but name and server takes.
    fn fixed(&self, cells: &[u16]) -> u16 {
        let shown = (0..COLUMNS).filter(|c| self.shows(*c));
        let (columns, width) = shown.fold((0, 0), |(columns, width), c| {
            let own = if c == NAME || c == SERVER { 0 } else { cells[c].max(self.heads[c].len() as u16) };
            (columns + 1, width + own)
        });
        width + self.gap * (columns - 1)
    }

    fn apply(&self, table: &mut Table) {
        let mut header: Row = (0..COLUMNS).map(|c| head(c, self.heads[c])).collect::<Vec<_>>().into();
        header.max_height(1);
        table.set_header(header);
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, self.gap));
            if COUNTS.contains(&index) || index == MS {
                column.set_cell_alignment(CellAlignment::Right);
            }
            let width = match index {
                NAME => Some(self.name),
                SERVER => Some(self.server),
                _ => None,
            };
            if !self.shows(index) {
                column.set_constraint(ColumnConstraint::Hidden);
            } else if let Some(width) = width {
                column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width + self.gap)));
            }
        }
    }
}

fn head(column: usize, text: &str) -> Cell {
    let right = COUNTS.contains(&column) || column == MS;
    Cell::new(text).set_alignment(if right { CellAlignment::Right } else { CellAlignment::Left })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: [u16; COLUMNS] = [30, 5, 10, 10, 40, 3, 1, 1, 1, 4];

    #[test]
    fn columns_make_room_in_order_and_the_line_fits() {
        let hidden = |limit| {
            let layout = Layout::fit(&CELLS, Some(limit));
            assert!(layout.fixed(&CELLS) + layout.name + layout.server <= limit, "{limit}: {layout:?}");
            layout.hidden.to_vec()
        };
        assert_eq!(hidden(200), Vec::<usize>::new());
        assert_eq!(hidden(80), Vec::<usize>::new());
        assert_eq!(hidden(70), [SERVER]);
        assert_eq!(hidden(40), [SERVER, REVISION, VIA, MS, 7]);
    }

    #[test]
    fn without_a_limit_nothing_is_cut() {
        let layout = Layout::fit(&CELLS, None);
        assert_eq!((layout.name, layout.server, layout.hidden), (30, 40, &[][..]));
        assert_eq!(Layout::fit(&CELLS, Some(1)).name, 1);
    }
}
