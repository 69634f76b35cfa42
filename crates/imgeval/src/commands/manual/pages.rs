//! The help pages: the program's own, and one for each command and subcommand.

use clap::Command;

/// A command with the words that call it.
pub(super) struct Page {
    pub(super) path: Vec<String>,
    pub(super) command: Command,
}

/// Every page in the order of the help, without `help` itself. What the environment holds is left out.
pub(super) fn pages_of(mut root: Command) -> Vec<Page> {
    // Gives each subcommand its full name and the options that hold everywhere.
    root.build();
    let mut pages = Vec::new();
    collect(root, Vec::new(), &mut pages);
    pages
}

fn collect(command: Command, mut path: Vec<String>, pages: &mut Vec<Page>) {
    path.push(command.get_name().to_owned());
    let subcommands: Vec<Command> = command
        .get_subcommands()
        .filter(|subcommand| subcommand.get_name() != "help" && !subcommand.is_hide_set())
        .cloned()
        .collect();
    let command = command.mut_args(|argument| argument.hide_env_values(true));
    pages.push(Page { path: path.clone(), command });
    for subcommand in subcommands {
        collect(subcommand, path.clone(), pages);
    }
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    #[test]
    fn every_visible_command_has_a_page() {
        let inner = Command::new("inner").subcommand(Command::new("deep"));
        let root = Command::new("tool").subcommand(inner).subcommand(Command::new("secret").hide(true));
        let paths: Vec<String> = pages_of(root).iter().map(|page| page.path.join(" ")).collect();
        assert_eq!(paths, ["tool", "tool inner", "tool inner deep"]);
    }

    #[test]
    fn a_page_names_variables_and_not_what_they_hold() {
        let argument = Arg::new("place").long("place").env("PATH");
        let page = pages_of(Command::new("tool").arg(argument)).pop();
        let help = page.map(|mut page| page.command.render_long_help().to_string()).unwrap();
        assert!(help.contains("[env: PATH]"), "{help}");
    }
}
