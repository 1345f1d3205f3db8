//! The terminal that a person looks at: its width, its colours, and the words that `--quiet` leaves out.

use clap::builder::styling::{AnsiColor, Style};
use std::io::{IsTerminal, stderr, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

/// True if only warnings and failures are said.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Leaves out progress, and what was done, from now on.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// True if only warnings and failures are said.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Columns of the terminal that stdout is; none where it is a pipe or a file.
pub fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// A table with its heading in bold, where a person looks.
pub fn with_bold_heading(table: &str) -> String {
    let Some((heading, rest)) = table.split_once('\n').filter(|_| paints(&stdout())) else { return table.to_owned() };
    let bold = Style::new().bold();
    format!("{bold}{heading}{bold:#}\n{rest}")
}

/// A line for stderr, with the word that says how bad it is in colour, where a person looks.
pub(super) fn painted(line: String) -> String {
    let paints = paints(&stderr());
    let start = |start: &str, style: Style| {
        let rest = line.strip_prefix(start).filter(|_| paints)?;
        Some(format!("{style}{start}{style:#}{rest}"))
    };
    let bold = Style::new().bold();
    let found = start("sim: warning:", bold.fg_color(Some(AnsiColor::Yellow.into())));
    found.or_else(|| start("sim:", bold)).unwrap_or(line)
}

/// True if a stream is a terminal whose user has not refused colours (`NO_COLOR`).
fn paints(stream: &impl IsTerminal) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
