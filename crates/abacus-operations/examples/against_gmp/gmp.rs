//! GMP, in a separate Python process.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::case::Case;

const PROGRAM: &str = include_str!("gmp.py");

/// The process running `gmp.py`. Ends with the end of input.
pub(crate) struct Gmp {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _process: Child,
}

impl Gmp {
    pub(crate) fn start(python: &str) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(python);
        command.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let input = process.stdin.take().ok_or("no pipe to Python")?;
        let output = process.stdout.take().ok_or("no pipe from Python")?;
        Ok(Self { input, output: BufReader::new(output), _process: process })
    }

    /// Returns the least time in nanoseconds and the checksum of the text.
    pub(crate) fn least_time(
        &mut self,
        case: &Case,
        milliseconds: u64,
    ) -> Result<(f64, u32), Box<dyn Error>> {
        let operands = case.values().join(" ");
        writeln!(self.input, "{} {milliseconds} {operands}", case.operation())?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let (time, checksum) = line.trim().split_once(' ').ok_or("GMP's side has failed")?;
        Ok((time.parse()?, checksum.parse()?))
    }
}
