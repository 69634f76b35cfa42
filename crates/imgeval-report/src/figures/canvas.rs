//! Writes the SVG. Positions are pixels of 1/96 inch; the origin is at the top left.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Figure, FigureSection, font,
    palette::{FAINT, Hatch, INK, Marker, PAPER, RULE, Style, contrast_to, hex},
    wrap::{fit, one_line, wrap},
};

/// Of all figures: a page's width with margins.
pub(super) const WIDTH: f64 = 720.0;
pub(super) const MARGIN: f64 = 16.0;

/// Sizes of text.
pub(super) const TITLE_SIZE: f64 = 14.0;
pub(super) const TEXT_SIZE: f64 = 12.0;
pub(super) const SMALL_SIZE: f64 = 10.0;

#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen<'a> {
    pub(super) color: &'a str,
    pub(super) width: f64,
    pub(super) dash: &'a str,
}

impl Pen<'static> {
    pub(super) const INK: Self = Self { color: INK, width: 1.0, dash: "" };
    pub(super) const RULE: Self = Self { color: RULE, width: 1.0, dash: "" };
}

#[derive(Debug)]
pub(super) struct Canvas {
    name: String,
    title: String,
    body: String,
    characters: BTreeSet<char>,
    patterns: BTreeMap<String, String>,
    /// Where the next thing goes, from top to bottom.
    pub(super) y: f64,
}

impl Canvas {
    /// The title is placed at the top; the name becomes the file's and is reduced to letters, digits and hyphens.
    pub(super) fn new(name: &str, title: &str) -> Self {
        let mut canvas = Self {
            name: file_stem(name),
            title: one_line(title),
            body: String::new(),
            characters: BTreeSet::new(),
            patterns: BTreeMap::new(),
            y: MARGIN,
        };
        canvas.paragraph(title, TITLE_SIZE, INK, 2);
        canvas.y += 8.0;
        canvas
    }

    /// Lines over the whole width, at `y`, which moves on.
    pub(super) fn paragraph(&mut self, text: &str, size: f64, color: &str, max_lines: usize) {
        for line in wrap(text, size, WIDTH - 2.0 * MARGIN, max_lines) {
            self.y += 1.3 * size;
            self.text((MARGIN, self.y - 0.3 * size), size, Anchor::Start, color, &line);
        }
    }

    /// On one line whose foot is at the position; the text has been made plain by wrapping.
    pub(super) fn text(&mut self, (x, y): (f64, f64), size: f64, anchor: Anchor, color: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        self.characters.extend(text.chars());
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let (x, y, size, text) = (number(x), number(y), number(size), escape(text));
        self.write(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{color}\"{anchor}>{text}</text>"
        ));
    }

    /// Ends at the position and reads upwards.
    pub(super) fn upward_text(
        &mut self,
        (x, y): (f64, f64),
        size: f64,
        anchor: Anchor,
        color: &str,
        text: &str,
    ) {
        self.write(format_args!("<g transform=\"translate({} {}) rotate(-90)\">", number(x), number(y)));
        self.text((0.0, 0.0), size, anchor, color, text);
        self.write(format_args!("</g>"));
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), pen: Pen<'_>) {
        self.path(&[from, to], false, "none", Some(pen));
    }

    pub(super) fn rectangle(
        &mut self,
        (x, y): (f64, f64),
        width: f64,
        height: f64,
        fill: &str,
        pen: Option<Pen<'_>>,
    ) {
        let (x, y, width, height) = (number(x), number(y), number(width), number(height));
        let stroke = stroke(pen);
        self.write(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"{stroke}/>"
        ));
    }

    pub(super) fn path(&mut self, points: &[(f64, f64)], is_closed: bool, fill: &str, pen: Option<Pen<'_>>) {
        let mut data = String::new();
        for (place, (x, y)) in points.iter().enumerate() {
            let step = if place == 0 { "M" } else { "L" };
            data.push_str(&format!("{step}{} {}", number(*x), number(*y)));
        }
        if is_closed {
            data.push('Z');
        }
        let stroke = stroke(pen);
        self.write(format_args!("<path d=\"{data}\" fill=\"{fill}\"{stroke}/>"));
    }

    pub(super) fn circle(&mut self, (x, y): (f64, f64), radius: f64, fill: &str, pen: Option<Pen<'_>>) {
        let (x, y, radius, stroke) = (number(x), number(y), number(radius), stroke(pen));
        self.write(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{fill}\"{stroke}/>"));
    }

    pub(super) fn marker(&mut self, (x, y): (f64, f64), radius: f64, style: Style, fill: &str) {
        let color = hex(style.color);
        let pen = Some(Pen { color: &color, width: 1.5, dash: "" });
        let r = radius;
        match style.marker {
            Marker::Circle => self.circle((x, y), r, fill, pen),
            Marker::Square => self.rectangle((x - 0.9 * r, y - 0.9 * r), 1.8 * r, 1.8 * r, fill, pen),
            Marker::Triangle => {
                self.path(&[(x - r, y + 0.8 * r), (x + r, y + 0.8 * r), (x, y - r)], true, fill, pen);
            }
            Marker::TriangleDown => {
                self.path(&[(x - r, y - 0.8 * r), (x + r, y - 0.8 * r), (x, y + r)], true, fill, pen);
            }
            Marker::Diamond => {
                let s = 1.25 * r;
                self.path(&[(x - s, y), (x, y - s), (x + s, y), (x, y + s)], true, fill, pen);
            }
            Marker::Plus => {
                self.line((x - r, y), (x + r, y), Pen { color: &color, width: 2.5, dash: "" });
                self.line((x, y - r), (x, y + r), Pen { color: &color, width: 2.5, dash: "" });
            }
        }
    }

    /// An interval lying down, with end strokes.
    pub(super) fn whisker(&mut self, (low, high): (f64, f64), y: f64, half_height: f64) {
        // A white line beneath, so that it is seen on dark bars too.
        self.line((low, y), (high, y), Pen { color: PAPER, width: 3.5, dash: "" });
        self.line((low, y), (high, y), Pen { width: 1.5, ..Pen::INK });
        for x in [low, high] {
            self.line((x, y - half_height), (x, y + half_height), Pen { width: 1.5, ..Pen::INK });
        }
    }

    /// What fills an area of this style.
    pub(super) fn fill_of(&mut self, style: Style) -> String {
        let color = hex(style.color);
        let over = contrast_to(style.color);
        let (kind, marks) = match style.hatch {
            Hatch::None => return color,
            Hatch::Rising => ("rising", "<path d=\"M-1 1L1 -1M0 6L6 0M5 7L7 5\""),
            Hatch::Falling => ("falling", "<path d=\"M-1 5L1 7M0 0L6 6M5 -1L7 1\""),
            Hatch::Dots => ("dots", "<circle cx=\"3\" cy=\"3\" r=\"1\""),
        };
        let marks = match style.hatch {
            Hatch::Dots => format!("{marks} fill=\"{over}\"/>"),
            _ => format!("{marks} stroke=\"{over}\" stroke-width=\"1\" fill=\"none\"/>"),
        };
        let id = format!("{}-{kind}-{}", self.name, &color[1..]);
        let pattern = format!(
            "<pattern id=\"{id}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
             <rect width=\"6\" height=\"6\" fill=\"{color}\"/>{marks}</pattern>"
        );
        self.patterns.insert(id.clone(), pattern);
        format!("url(#{id})")
    }

    /// An image inside this square, whole. `media_type` is that of its bytes.
    pub(super) fn image(
        &mut self,
        (x, y): (f64, f64),
        width: f64,
        height: f64,
        media_type: &str,
        bytes: &[u8],
    ) {
        let (x, y, width, height, data) =
            (number(x), number(y), number(width), number(height), STANDARD.encode(bytes));
        self.write(format_args!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             href=\"data:{media_type};base64,{data}\"/>"
        ));
    }

    /// Names with the look of their series, in rows over the whole width.
    pub(super) fn legend<'a>(&mut self, entries: impl Iterator<Item = (&'a str, Style)>, with_lines: bool) {
        const BOX: f64 = 22.0;
        const GAP: f64 = 18.0;
        let mut x = MARGIN;
        self.y += 6.0;
        for (name, style) in entries {
            let name = fit(name, SMALL_SIZE, WIDTH - 2.0 * MARGIN - BOX - 6.0);
            let width = BOX + 6.0 + font::width_of(&name, SMALL_SIZE);
            if x > MARGIN && x + width > WIDTH - MARGIN {
                (x, self.y) = (MARGIN, self.y + 16.0);
            }
            if with_lines {
                let color = hex(style.color);
                let pen = Pen { color: &color, width: 1.75, dash: style.dash };
                self.line((x, self.y + 5.0), (x + BOX, self.y + 5.0), pen);
                self.marker((x + BOX / 2.0, self.y + 5.0), 3.5, style, PAPER);
            } else {
                let fill = self.fill_of(style);
                self.rectangle((x, self.y), BOX, 10.0, &fill, Some(Pen { width: 0.75, ..Pen::INK }));
            }
            self.text((x + BOX + 6.0, self.y + 9.0), SMALL_SIZE, Anchor::Start, INK, &name);
            x += width + GAP;
        }
        self.y += 20.0;
    }

    /// What must be known to read the figure, small.
    pub(super) fn notes(&mut self, notes: &[String]) {
        for note in notes {
            self.paragraph(note, SMALL_SIZE, FAINT, 6);
        }
    }

    /// The image is as high as what was drawn.
    pub(super) fn finish(self, alternative: String) -> Figure {
        let (width, height) = (number(WIDTH), number((self.y + MARGIN).ceil()));
        let Self { name, title, body, characters, patterns, .. } = self;
        let font = STANDARD.encode(font::cut_down(&characters));
        let patterns: String = patterns.into_values().collect();
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{name}-title {name}-description\" \
             font-family=\"'imgeval {name}', '{}', sans-serif\">\n<title id=\"{name}-title\">{}</title>\n\
             <desc id=\"{name}-description\">{}</desc>\n<defs><style>@font-face{{font-family:'imgeval {name}';\
             src:url(data:font/ttf;base64,{font}) format('truetype')}}</style>{patterns}</defs>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"{PAPER}\"/>\n{body}</svg>\n",
            font::FAMILY,
            escape(&title),
            escape(&alternative),
        );
        Figure { name, title, alternative, svg, section: FigureSection::Others }
    }

    fn write(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.body, "{element}");
    }
}

fn stroke(pen: Option<Pen<'_>>) -> String {
    let Some(pen) = pen else { return String::new() };
    let dash =
        if pen.dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", pen.dash) };
    format!(" stroke=\"{}\" stroke-width=\"{}\"{dash}", pen.color, number(pen.width))
}

/// With two decimals at most; a coordinate that is not finite would spoil the file.
fn number(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// For text and attributes of XML; what XML cannot hold becomes U+FFFD.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

fn file_stem(name: &str) -> String {
    let stem: String = name
        .chars()
        .take(80)
        .map(|character| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' })
        .collect();
    let stem = stem.trim_matches('-');
    if stem.is_empty() { "figure".to_owned() } else { stem.to_owned() }
}
