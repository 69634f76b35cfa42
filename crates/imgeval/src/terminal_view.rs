//! How much room tables have on stdout, and whether they may be colored.

use std::io::IsTerminal as _;

use imgeval_report::tables::terminal::{Style, View, Width};
use terminal_size::terminal_size_of;

use crate::environment;

/// The flag that shows every column.
const WIDE_FLAG: &str = "--wide";

/// What stdout and the environment say.
#[derive(Debug, Clone, Copy, Default)]
struct Surroundings {
    is_wide: bool,
    is_terminal: bool,
    /// Columns of the terminal, if it tells them.
    columns: Option<usize>,
    /// Columns asked for by the environment.
    asked: Option<usize>,
    is_colorless: bool,
    /// Colors are wanted even where stdout is no terminal.
    is_colorful: bool,
}

/// The view for tables on stdout. Files and other programs get everything, unless the environment asks for a width.
pub(crate) fn of_stdout(is_wide: bool) -> View<'static> {
    let stdout = std::io::stdout();
    let term = environment::variable(environment::TERM);
    let no_color = environment::variable(environment::NO_COLOR).is_some();
    view(Surroundings {
        is_wide,
        is_terminal: stdout.is_terminal(),
        columns: terminal_size_of(&stdout).map(|(width, _)| usize::from(width.0)),
        asked: environment::variable(environment::COLUMNS).and_then(|columns| columns.parse().ok()),
        is_colorless: no_color
            || environment::variable(environment::CLICOLOR).is_some_and(|value| value == "0")
            || term.is_none_or(|term| term == "dumb"),
        is_colorful: !no_color
            && environment::variable(environment::CLICOLOR_FORCE).is_some_and(|value| value != "0"),
    })
}

fn view(surroundings: Surroundings) -> View<'static> {
    let Surroundings { is_wide, is_terminal, columns, asked, is_colorless, is_colorful } = surroundings;
    let told = columns.filter(|_| is_terminal);
    let width = match asked.or(told).filter(|columns| *columns > 0 && !is_wide) {
        Some(columns) => Width::Columns(columns),
        None => Width::All,
    };
    let style = if (is_terminal && !is_colorless) || is_colorful { Style::Color } else { Style::Plain };
    View { width, style, shows_all: WIDE_FLAG }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(surroundings: Surroundings, width: Width, style: Style) {
        let view = view(surroundings);
        assert_eq!((view.width, view.style), (width, style), "{surroundings:?}");
    }

    #[test]
    fn a_terminal_limits_the_width_unless_the_user_asks_for_everything() {
        let terminal = Surroundings { is_terminal: true, columns: Some(80), ..Surroundings::default() };
        check(terminal, Width::Columns(80), Style::Color);
        check(Surroundings { is_wide: true, ..terminal }, Width::All, Style::Color);
        check(Surroundings { columns: None, ..terminal }, Width::All, Style::Color);
        check(Surroundings { columns: Some(0), ..terminal }, Width::All, Style::Color);
        check(Surroundings { asked: Some(60), ..terminal }, Width::Columns(60), Style::Color);
        check(Surroundings { is_colorless: true, ..terminal }, Width::Columns(80), Style::Plain);
        check(
            Surroundings { is_colorful: true, columns: None, is_terminal: false, ..terminal },
            Width::All,
            Style::Color,
        );
    }

    #[test]
    fn other_programs_get_everything_unless_the_environment_says_otherwise() {
        let pipe = Surroundings::default();
        check(pipe, Width::All, Style::Plain);
        check(Surroundings { asked: Some(100), ..pipe }, Width::Columns(100), Style::Plain);
        check(Surroundings { asked: Some(100), is_wide: true, ..pipe }, Width::All, Style::Plain);
    }
}
