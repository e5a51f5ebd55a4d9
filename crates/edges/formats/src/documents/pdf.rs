//! Headings, fields and checked lists as a PDF on A4, for people at an authority to read and print.
//!
//! DejaVu Sans is embedded; it covers Latin, Greek, Cyrillic, Arabic and more. A character it
//! doesn't have is written as its code point, so that nothing is silently lost; the JSON next to
//! the PDF has the original.

use std::sync::LazyLock;

use krilla::Document;
use krilla::geom::Point;
use krilla::page::PageSettings;
use krilla::text::{Font, TextDirection};

/// A4 in points.
const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
// About two centimetres. Our judgement.
const MARGIN: f32 = 56.0;
/// Most pages of one document; a longer one is cut, with a notice. Our judgement.
const PAGES_MAX: usize = 500;

/// A piece of a document.
pub(crate) enum Block {
    Title(String),
    Heading(String),
    Text(String),
    /// A label and its values.
    Field(String, String),
    /// Something asked for, and whether it is there.
    Check(bool, String),
}

struct Face {
    font: Font,
    /// The parsed font, for advances; a character may have no glyph.
    widths: ttf_parser::Face<'static>,
}

static REGULAR: LazyLock<Face> = LazyLock::new(|| face(dejavu::sans::regular()));
static BOLD: LazyLock<Face> = LazyLock::new(|| face(dejavu::sans::bold()));

fn face(bytes: &'static [u8]) -> Face {
    Face {
        font: Font::new(bytes.to_vec().into(), 0).expect("the embedded font is one"),
        widths: ttf_parser::Face::parse(bytes, 0).expect("the embedded font is one"),
    }
}

impl Face {
    fn width(&self, text: &str, size: f32) -> f32 {
        let units = f32::from(self.widths.units_per_em());
        let one = |c| {
            let glyph = self.widths.glyph_index(c)?;
            self.widths.glyph_hor_advance(glyph)
        };
        // Without kerning and shaping: good enough to break lines, not to place glyphs.
        let sum: f32 = text
            .chars()
            .map(|c| f32::from(one(c).unwrap_or(1_000)))
            .sum();
        sum / units * size
    }

    /// The text, with a code point in place of each character that the font lacks or that could
    /// hide text.
    fn shown(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\t' => out.push_str("    "),
                c if c.is_control() || self.widths.glyph_index(c).is_none() => {
                    out += &format!("[U+{:04X}]", u32::from(c));
                }
                // Zero-width and bidirectional control characters could hide text.
                '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => {
                    out += &format!("[U+{:04X}]", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out
    }

    /// Lines no wider than `width`; a word that is longer is broken.
    fn lines(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        for paragraph in text.lines() {
            let shown = self.shown(paragraph);
            let (mut line, mut used) = (String::new(), 0.0);
            for word in shown.split_inclusive(' ') {
                let mut rest = word;
                while !rest.is_empty() {
                    let wide = self.width(rest, size);
                    if used + wide <= width {
                        line += rest;
                        used += wide;
                        break;
                    }
                    // A word that does not fit starts a new line. It is
                    // broken only if it does not fit there either.
                    if !line.is_empty() {
                        lines.push(std::mem::take(&mut line).trim_end().to_owned());
                        used = 0.0;
                        continue;
                    }
                    let mut end = 0;
                    let mut sum = 0.0;
                    for (at, c) in rest.char_indices() {
                        sum += self.width(c.encode_utf8(&mut [0; 4]), size);
                        // At least one character per line, or the loop would never end.
                        if sum > width && at > 0 {
                            break;
                        }
                        end = at + c.len_utf8();
                    }
                    lines.push(rest[..end].to_owned());
                    rest = &rest[end..];
                }
            }
            lines.push(line.trim_end().to_owned());
        }
        if lines.is_empty() {
            lines.push(String::new());
        }
        lines
    }
}

/// A line of text with its indent, font size and space before it, in points.
struct Line {
    indent: f32,
    size: f32,
    bold: bool,
    before: f32,
    text: String,
}

/// The document. Pure: the same blocks give the same bytes.
// Long: lays out the page from top to bottom.
pub(crate) fn document(blocks: &[Block], footer: &str) -> Vec<u8> {
    let mut lines: Vec<Line> = Vec::new();
    let mut put = |text: &str, size: f32, bold: bool, indent: f32, before: f32| {
        let face = if bold { &BOLD } else { &REGULAR };
        let width = WIDTH - 2.0 * MARGIN - indent;
        for (n, text) in face.lines(text, size, width).into_iter().enumerate() {
            lines.push(Line {
                indent,
                size,
                bold,
                before: if n == 0 { before } else { 0.0 },
                text,
            });
        }
    };
    for block in blocks {
        match block {
            Block::Title(text) => put(text, 16.0, true, 0.0, 0.0),
            Block::Heading(text) => put(text, 11.5, true, 0.0, 12.0),
            Block::Text(text) => put(text, 9.5, false, 0.0, 5.0),
            Block::Field(name, text) => {
                put(name, 8.0, true, 0.0, 6.0);
                put(text, 9.5, false, 10.0, 1.0);
            }
            Block::Check(there, text) => {
                let mark = if *there { "☑" } else { "☐" };
                put(&format!("{mark}  {text}"), 9.5, false, 0.0, 3.0);
            }
        }
    }
    let mut pages: Vec<Vec<Line>> = vec![Vec::new()];
    let mut y = MARGIN;
    for line in lines {
        // Line spacing of 1.35, our judgement; the drawing below must use the same.
        let high = line.before + line.size * 1.35;
        // The margin and 20 points more, which keeps the text clear of the footer.
        if y + high > HEIGHT - MARGIN - 20.0 {
            if pages.len() == PAGES_MAX {
                let last = pages.last_mut().expect("a page");
                // Makes room for the notice: the page is full.
                last.pop();
                last.push(Line {
                    text: "… cut here; the JSON next to this document is complete".into(),
                    ..line
                });
                break;
            }
            pages.push(Vec::new());
            y = MARGIN;
        }
        y += high;
        pages.last_mut().expect("a page").push(line);
    }
    let mut document = Document::new();
    let count = pages.len();
    for (number, page_lines) in pages.into_iter().enumerate() {
        let settings = PageSettings::from_wh(WIDTH, HEIGHT).expect("A4 is a size");
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        let mut y = MARGIN;
        for line in page_lines {
            y += line.before + line.size * 1.35;
            if line.text.is_empty() {
                continue;
            }
            let face = if line.bold { &BOLD } else { &REGULAR };
            let at = Point::from_xy(MARGIN + line.indent, y);
            surface.draw_text(
                at,
                face.font.clone(),
                line.size,
                &line.text,
                false,
                TextDirection::Auto,
            );
        }
        let foot = REGULAR.shown(&format!("{footer} · {}/{count}", number + 1));
        let at = Point::from_xy(MARGIN, HEIGHT - MARGIN / 2.0);
        surface.draw_text(
            at,
            REGULAR.font.clone(),
            7.5,
            &foot,
            false,
            TextDirection::Auto,
        );
        surface.finish();
        page.finish();
    }
    document.finish().expect("text alone makes a document")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_broken_and_unknown_characters_become_code_points() {
        let lines = REGULAR.lines(&"x".repeat(500), 10.0, 100.0);
        assert!(lines.len() > 10 && lines.concat().len() == 500);
        assert_eq!(
            REGULAR.shown("a\u{202e}b\u{1}漢"),
            "a[U+202E]b[U+0001][U+6F22]"
        );
        assert_eq!(REGULAR.shown("Жанна ä"), "Жанна ä");
    }

    #[test]
    fn the_same_blocks_give_the_same_pages() {
        // Several pages, so that page breaks are compared too.
        let blocks: Vec<_> = (0..300)
            .map(|n| Block::Field(format!("f{n}"), "value ".repeat(30)))
            .collect();
        let one = document(&blocks, "foot");
        assert!(one.starts_with(b"%PDF"));
        assert_eq!(one, document(&blocks, "foot"));
    }
}
