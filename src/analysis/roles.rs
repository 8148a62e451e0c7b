//! Small words by what they do to the words around them. Each list is a bit of a word's meaning, so that to
//! ask whether a word is in one costs nothing.

/// An order may come after it.
pub(super) const LEADS: u16 = 1;
/// With "to" after it, an order may follow.
pub(super) const OBLIGES: u16 = 1 << 1;
/// What is or was done may follow.
pub(super) const BE: u16 = 1 << 2;
/// Says that it is not so.
pub(super) const DENIES: u16 = 1 << 3;
/// "to"
pub(super) const TO: u16 = 1 << 4;
/// Leaves no choice.
pub(super) const STRICT: u16 = 1 << 5;
/// Leaves one.
pub(super) const LOOSE: u16 = 1 << 6;
/// What is done with a tool.
pub(super) const CALL: u16 = 1 << 7;
/// What a tool should not be.
pub(super) const BAD: u16 = 1 << 8;
/// Leads away from a tool.
pub(super) const AWAY: u16 = 1 << 9;
/// The same, in a sentence of its own.
pub(super) const RATHER: u16 = 1 << 10;
/// May put one tool in another's place.
pub(super) const INSTEAD: u16 = 1 << 11;
/// What stands before it is a tool's name.
pub(super) const TOOL: u16 = 1 << 12;
/// Says nothing about what a text is about.
pub(super) const EMPTY: u16 = 1 << 13;

/// The table. A word may be in several lists.
#[rustfmt::skip]
pub(super) const ROLES: [(u16, &str); 14] = [
    (LEADS, "and then or please first also always never must should will shall kindly instead silently quietly secretly now just simply dont not immediately automatically you additionally next finally afterwards beforehand later otherwise cannot may can without but"),
    (OBLIGES, "have has need needs required obliged is are ought supposed sure remember expected asked told instructed free necessary mandatory important essential"),
    (BE, "is are be been being gets get was were"),
    (DENIES, "not never"),
    (TO, "to"),
    (STRICT, "must always mandatory required require requires never whenever every automatically immediately shall regardless critical"),
    (LOOSE, "should first before after ensure dont prior need have needs instead also"),
    (CALL, "call calls use using used run invoke invoked execute called calling pass set send change tool"),
    (BAD, "deprecated obsolete outdated unsafe insecure vulnerable broken buggy dangerous compromised unreliable retired discontinued disabled superseded replaced legacy inaccurate corrupts leaks"),
    (AWAY, "instead prefer replacement replaces supersedes avoid rather only dont never"),
    (RATHER, "instead prefer replacement replaces"),
    (INSTEAD, "instead place rather replacement replaces supersedes dont never not avoid stop"),
    (TOOL, "tool function"),
    (EMPTY, "the and for with from this that are can its you will"),
];
