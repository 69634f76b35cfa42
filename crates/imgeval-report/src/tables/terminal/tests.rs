//! What tables look like at 80 and 120 columns and in full.

use unicode_width::UnicodeWidthStr as _;

use super::{CellText, Column, Row, Style, Table, Tone, View, Width};

fn at(columns: usize) -> View<'static> {
    View { width: Width::Columns(columns), style: Style::Plain, shows_all: "--wide" }
}

/// A score table as commands print it.
fn scores(notes: [&str; 2]) -> Table {
    let mut table = Table::new([
        Column::text("part"),
        Column::number("score"),
        Column::number("95 % interval"),
        Column::number("correct/images"),
        Column::number("prompts").normal(),
        Column::number("any correct").normal(),
        Column::number("missing").normal(),
        Column::number("bounds").wide_only(),
        Column::number("interval with missing").wide_only(),
    ]);
    table.push(
        Row::new([
            "color_attr",
            "0.465",
            "0.388 to 0.542",
            "186/400",
            "100/100",
            "72.0%",
            "12",
            "0.451 to 0.481",
            "0.371 to 0.559",
        ])
        .with_note(notes[0]),
    );
    table.push(
        Row::new(["overall", "0.612", "0.584 to 0.640", "1,353/2,212", "553/553", "84.3%", "0", "-", "-"])
            .with_note(notes[1]),
    );
    table.below.push(
        "Bounds: the score if every missing image were incorrect, or correct; missing images are not counted."
            .to_owned(),
    );
    table
}

fn check(table: &Table, view: View<'_>, expected: &str) {
    let (text, expected) = (table.render(view), expected.trim_start_matches('\n'));
    assert_eq!(text, expected, "\n{text}");
    if let Width::Columns(room) = view.width {
        for line in text.lines() {
            assert!(line.width() <= room, "{line}");
        }
    }
}

#[test]
fn at_80_columns_the_essential_columns_stay() {
    check(
        &scores(["preview, not comparable"; 2]),
        at(80),
        "
note: preview, not comparable
 part        score   95 % interval  correct/images  prompts  any correct
 color_attr  0.465  0.388 to 0.542         186/400  100/100        72.0%
 overall     0.612  0.584 to 0.640     1,353/2,212  553/553        84.3%
hidden: missing, bounds, interval with missing; --wide shows them
Bounds: the score if every missing image were incorrect, or correct; missing
images are not counted.
",
    );
}

#[test]
fn at_120_columns_more_is_shown() {
    check(
        &scores(["preview, not comparable", ""]),
        at(120),
        "
 part            score   95 % interval  correct/images  prompts  any correct  missing          bounds
 color_attr [1]  0.465  0.388 to 0.542         186/400  100/100        72.0%       12  0.451 to 0.481
 overall         0.612  0.584 to 0.640     1,353/2,212  553/553        84.3%        0               -
hidden: interval with missing; --wide shows it
[1] preview, not comparable
Bounds: the score if every missing image were incorrect, or correct; missing images are not counted.
",
    );
}

#[test]
fn in_full_everything_is_shown() {
    let in_full = "
 part        score   95 % interval  correct/images  prompts  any correct  missing          bounds  interval with missing
 color_attr  0.465  0.388 to 0.542         186/400  100/100        72.0%       12  0.451 to 0.481         0.371 to 0.559
 overall     0.612  0.584 to 0.640     1,353/2,212  553/553        84.3%        0               -                      -
Bounds: the score if every missing image were incorrect, or correct; missing images are not counted.
";
    check(&scores([""; 2]), View::WIDE, in_full);
    check(&scores([""; 2]), at(121), in_full);
}

#[test]
fn the_essential_columns_fit_whatever_the_names_of_parts() {
    let mut table = scores(["preview, not comparable", "x"]);
    table.push(Row::new([
        "a part of somebody's own cases, with a name that goes on and on and on and on",
        "0.500",
        "0.400 to 0.600",
        "1,000,000/2,000,000",
    ]));
    check(
        &table,
        at(80),
        "
 part                                 score   95 % interval       correct/images
 color_attr [1]                       0.465  0.388 to 0.542              186/400
 overall [2]                          0.612  0.584 to 0.640          1,353/2,212
 a part of somebody's ow\u{2026}d on and on  0.500  0.400 to 0.600  1,000,000/2,000,000
hidden: prompts, any correct, missing, bounds, interval with missing; --wide
shows them
[1] preview, not comparable
[2] x
Bounds: the score if every missing image were incorrect, or correct; missing
images are not counted.
",
    );
}

#[test]
fn the_number_of_a_footnote_outlives_a_long_name() {
    let mut table = Table::new([Column::text("name"), Column::number("score")]);
    table.push(Row::new(["\u{4e2d}".repeat(20).as_str(), "0.5"]).with_footnote("why"));
    check(
        &table,
        at(24),
        "
 name              score
 \u{4e2d}\u{4e2d}\u{4e2d}\u{4e2d}\u{2026}\u{4e2d} [1]     0.5
[1] why
",
    );
}

#[test]
fn long_text_is_wrapped_in_its_column() {
    let mut table =
        Table::new([Column::text("coverage"), Column::number("count"), Column::text("meaning").wrapped()])
            .with_title("run");
    table.start_section("images");
    table.push(Row::new(["missing-prompt", "3", "prompts of the suite that have no usable image"]));
    table.push(Row::new(["usable", "12"]));
    check(
        &table,
        at(50),
        "
run
 coverage          count  meaning
 images
   missing-prompt      3  prompts of the suite
                          that have no usable
                          image
   usable             12
",
    );
}

#[test]
fn colors_take_no_room_and_text_of_others_cannot_add_any() {
    let mut table = Table::new([Column::text("part"), Column::number("difference")]);
    let (better, worse) = (CellText::from("+0.1"), CellText::from("-0.1"));
    table.push(Row::new(["a".into(), better.with_tone(Tone::Better)]).with_note("preview"));
    table.push(Row::new(["\u{1b}[31mb".into(), worse.with_tone(Tone::Worse)]).with_note("preview"));
    let view = View { style: Style::Color, ..View::WIDE };
    check(
        &table,
        view,
        "
\u{1b}[33mnote: preview\u{1b}[0m
 part         difference
 a                  \u{1b}[32m+0.1\u{1b}[0m
 \\u{1b}[31mb        \u{1b}[31m-0.1\u{1b}[0m
",
    );
    assert!(!table.render(View::WIDE).contains('\u{1b}'));
}
