//! One letter at a time: lower-case Latin for whatever looks like it, nothing for what is not seen.
//!
//! Full-width letters, mathematical letters, look-alikes of other scripts and characters of no width are the
//! usual ways round a search for words; none of them survives.

use crate::base::text::is_deceptive;

/// `c` as the letter it looks like, in lower case; nothing for what is not seen at all, and for apostrophes:
/// `don't` is one word.
pub(super) fn fold(c: char) -> Option<char> {
    if c.is_ascii() {
        return match c {
            '\'' => None,
            '\t' | '\n' | '\r' => Some(' '),
            c if c.is_ascii_control() => None,
            c => Some(c.to_ascii_lowercase()),
        };
    }
    Some(match c {
        '\u{2018}' | '\u{2019}' | '\u{2bc}' => return None,
        '\u{300}'..='\u{36f}' => return None,
        '\u{2028}' | '\u{2029}' | '\u{85}' => ' ',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{ff01}'..='\u{ff5e}' => {
            return char::from_u32(c as u32 - 0xfee0).map(|c| c.to_ascii_lowercase());
        }
        '\u{1d400}'..='\u{1d6a3}' => char::from(b'a' + ((c as u32 - 0x1d400) % 26) as u8),
        'а' | 'А' | 'α' | 'Α' => 'a',
        'в' | 'В' | 'Β' => 'b',
        'с' | 'С' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'Е' | 'ё' | 'Ε' => 'e',
        'һ' | 'н' | 'Н' | 'Η' => 'h',
        'і' | 'І' | 'ı' | 'Ι' | 'ι' => 'i',
        'ј' | 'Ј' => 'j',
        'к' | 'К' | 'κ' | 'Κ' => 'k',
        'ӏ' => 'l',
        'м' | 'М' | 'Μ' => 'm',
        'Ν' | 'ո' => 'n',
        'о' | 'О' | 'ο' | 'Ο' => 'o',
        'р' | 'Р' | 'ρ' | 'Ρ' => 'p',
        'ѕ' | 'Ѕ' => 's',
        'т' | 'Т' | 'τ' | 'Τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' => 'w',
        'х' | 'Х' | 'χ' | 'Χ' => 'x',
        'у' | 'У' | 'Υ' | 'γ' => 'y',
        'Ζ' => 'z',
        'à'..='å' | 'À'..='Å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'Ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'È'..='Ë' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'Ì'..='Ï' => 'i',
        'ñ' | 'Ñ' | 'ń' => 'n',
        'ò'..='ö' | 'Ò'..='Ö' | 'ø' | 'ō' => 'o',
        'ù'..='ü' | 'Ù'..='Ü' | 'ū' => 'u',
        'ý' | 'ÿ' => 'y',
        '。' | '！' | '？' => '!',
        '，' | '、' | '；' | '：' => ',',
        c if is_deceptive(c) || matches!(c, '\u{fe00}'..='\u{fe0f}') => return None,
        c => c.to_lowercase().next().unwrap_or(c),
    })
}
