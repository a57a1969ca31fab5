//! Progress for the user: a line per step, with the seconds since its start.
//!
//! On a terminal the line of the running step is redrawn. Elsewhere a step prints a line soon after
//! the start, a line at intervals, and a line at the end. Progress goes to standard error; standard
//! output holds only results.

use std::env;
use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom, Write, stderr};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

const REDRAW: Duration = Duration::from_millis(200);
/// Time of the first line of a step, without a terminal. A shorter step prints only the last line.
const FIRST_LINE: Duration = Duration::from_secs(1);
/// Interval of the further lines.
const NEXT_LINES: Duration = Duration::from_secs(15);
const DETAIL_WIDTH: usize = 60;

/// Reports steps to the user.
#[derive(Debug)]
pub(crate) struct Progress {
    style: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Terminal { colour: bool },
    Lines,
}

/// A running step.
#[derive(Debug)]
pub(crate) struct Step {
    title: String,
    started: Instant,
    detail: Mutex<Detail>,
}

#[derive(Debug, Default)]
enum Detail {
    #[default]
    None,
    Text(String),
    LastLineOf(PathBuf),
}

impl Progress {
    pub(crate) fn new() -> Self {
        let style = if stderr().is_terminal() {
            Style::Terminal { colour: env::var_os("NO_COLOR").is_none() }
        } else {
            Style::Lines
        };
        Self { style }
    }

    /// Runs `work` as a step called `title`. The last line ends with the last note of the step.
    pub(crate) fn step<T>(&self, title: &str, work: impl FnOnce(&Step) -> Result<T>) -> Result<T> {
        let step =
            Step { title: title.to_owned(), started: Instant::now(), detail: Mutex::default() };
        let (finished, watch) = channel::<()>();
        let result = thread::scope(|scope| {
            let drawn = &step;
            scope.spawn(move || self.draw_until_closed(drawn, &watch));
            let result = work(&step);
            drop(finished);
            result
        });
        self.finish(&step, result.is_ok());
        result
    }

    /// Runs `work` between two lines; `work` writes to the terminal.
    pub(crate) fn section<T>(&self, title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let step =
            Step { title: title.to_owned(), started: Instant::now(), detail: Mutex::default() };
        eprintln!("  {title} ...");
        let result = work();
        self.finish(&step, result.is_ok());
        result
    }

    fn draw_until_closed(&self, step: &Step, watch: &Receiver<()>) {
        let (first, interval) = match self.style {
            Style::Terminal { .. } => (REDRAW, REDRAW),
            Style::Lines => (FIRST_LINE, NEXT_LINES),
        };
        let mut pause = first;
        while watch.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            self.draw(step);
            pause = interval;
        }
    }

    fn draw(&self, step: &Step) {
        let seconds = step.started.elapsed().as_secs();
        let detail = step.shown_detail();
        match self.style {
            Style::Terminal { .. } => {
                eprint!("\r\x1b[K  {} {seconds} s  {}", step.title, self.dim(&detail));
                // A failed write to the terminal cannot be reported.
                let _ = stderr().flush();
            }
            Style::Lines => eprintln!("  {} ... {seconds} s {detail}", step.title),
        }
    }

    fn finish(&self, step: &Step, is_done: bool) {
        let seconds = step.started.elapsed().as_secs_f64();
        let clear = if self.style == Style::Lines { "" } else { "\r\x1b[K" };
        let note = match &*step.lock() {
            Detail::Text(text) if is_done => text.clone(),
            _ => String::new(),
        };
        let mark = if is_done { self.green("ok") } else { self.red("failed") };
        eprintln!(
            "{clear}  {mark} {} {}",
            step.title,
            self.dim(&format!("{seconds:.1} s  {note}"))
        );
    }

    fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    fn green(&self, text: &str) -> String {
        self.paint("32", text)
    }

    fn red(&self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.style {
            Style::Terminal { colour: true } => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

impl Step {
    /// Sets the detail of the step. The last note stays on the last line.
    pub(crate) fn note(&self, text: impl Into<String>) {
        *self.lock() = Detail::Text(text.into());
    }

    /// Shows the last line of `log` while the step runs.
    pub(crate) fn follow(&self, log: &Path) {
        *self.lock() = Detail::LastLineOf(log.to_path_buf());
    }

    fn shown_detail(&self) -> String {
        let text = match &*self.lock() {
            Detail::None => String::new(),
            Detail::Text(text) => text.clone(),
            Detail::LastLineOf(log) => tail(log, 1),
        };
        text.chars().filter(|c| !c.is_control()).take(DETAIL_WIDTH).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Detail> {
        self.detail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the last `lines` lines of a file; empty for an unreadable file.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    const READ_LIMIT: u64 = 64 * 1024;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(READ_LIMIT)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.trim_end().lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_hands_on_what_its_work_returns() {
        let progress = Progress { style: Style::Lines };
        assert_eq!(progress.step("adding", |_| Ok(1 + 1)).unwrap(), 2);
        assert!(progress.step("failing", |_| anyhow::bail!("no") as Result<()>).is_err());
    }

    #[test]
    fn the_tail_of_a_missing_file_is_empty() {
        assert_eq!(tail(Path::new("/nonexistent/log"), 5), "");
    }
}
