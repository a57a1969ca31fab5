//! `check words`: counts vague words in doc comments and Markdown, per crate and per document.
//!
//! The counted words ([`VAGUE`]) replace a noun or begin an indirect clause. Well-known Rust projects have two to four of
//! them in a hundred words of documentation; a higher count shows sentences that do not name their subject. A doc comment
//! that opens with a word of [`OPENINGS`] does not say what its item is or does. CONTRIBUTING.md explains the rule.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::cli;
use crate::workspace::Workspace;

const VAGUE: &[&str] = &[
    "that",
    "which",
    "what",
    "who",
    "whoever",
    "whom",
    "whose",
    "it",
    "its",
    "itself",
    "one",
    "ones",
    "those",
    "they",
    "them",
    "their",
    "theirs",
    "such",
    "so",
    "other",
    "others",
    "same",
    "nobody",
    "somebody",
    "anybody",
    "everybody",
    "nothing",
];
const OPENINGS: &[&str] =
    &["What", "Whatever", "Who", "Whoever", "Whose", "How", "The same", "Which", "Whether"];

/// Largest share of vague words, in a thousand.
const MAX_VAGUE: usize = 45;
/// Largest share of vague openings, in a hundred doc comments.
const MAX_OPENINGS: usize = 4;
/// Fewer words or doc comments have no meaningful share.
const FEWEST_WORDS: usize = 150;
const FEWEST_COMMENTS: usize = 25;

/// A doc comment or a paragraph.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    is_doc_comment: bool,
    line: usize,
    text: String,
}

/// Counts of one crate or document.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    words: usize,
    vague: usize,
    comments: usize,
    openings: usize,
}

/// Counts all crates and documents. Fails if one is above the limits.
pub(crate) fn run(workspace: &Workspace, options: &cli::Words) -> Result<()> {
    let mut failed = Vec::new();
    println!("{:<36}{:>8}{:>12}{:>12}", "", "words", "vague/100", "openings %");
    for part in parts(workspace.root())? {
        let name = part.strip_prefix(workspace.root()).unwrap_or(&part).display().to_string();
        let mut counts = Counts::default();
        for file in documents(&part)? {
            for block in blocks(&file)? {
                counts.add(&block);
                if options.list && is_vague(&block) {
                    println!("  {}:{}: {}", file.display(), block.line, block.text);
                }
            }
        }
        println!("{name:<36}{}", counts.row());
        if counts.is_too_vague() {
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!(
            "too vague: {}; `cargo xtask check words --list` shows the sentences",
            failed.join(", ")
        );
    }
    Ok(())
}

impl Counts {
    fn add(&mut self, block: &Block) {
        self.words += words(&block.text).count();
        self.vague += vague(&block.text);
        if block.is_doc_comment {
            self.comments += 1;
            self.openings += usize::from(opens_vaguely(&block.text));
        }
    }

    fn row(&self) -> String {
        let vague = 1000 * self.vague / self.words.max(1);
        let openings = 1000 * self.openings / self.comments.max(1);
        format!(
            "{:>8}{:>10}.{}{:>10}.{}",
            self.words,
            vague / 10,
            vague % 10,
            openings / 10,
            openings % 10
        )
    }

    fn is_too_vague(&self) -> bool {
        let has_words = self.words >= FEWEST_WORDS && 1000 * self.vague > MAX_VAGUE * self.words;
        let has_openings =
            self.comments >= FEWEST_COMMENTS && 100 * self.openings > MAX_OPENINGS * self.comments;
        has_words || has_openings
    }
}

/// Returns the folders of crates, the other folders with documents, and the documents at the root.
fn parts(root: &Path) -> Result<Vec<PathBuf>> {
    let mut parts = Vec::new();
    for entry in entries(root)? {
        let name = entry.file_name().map(|name| name.to_string_lossy().into_owned());
        match name.as_deref() {
            Some("crates") => parts.extend(entries(&entry)?),
            Some("target") => {}
            Some(name) if name.starts_with('.') => {}
            _ if entry.is_dir() || is_document(&entry) => parts.push(entry),
            _ => {}
        }
    }
    Ok(parts)
}

/// Returns the source files and documents of a part, in order.
fn documents(part: &Path) -> Result<Vec<PathBuf>> {
    if part.is_file() {
        return Ok(vec![part.to_path_buf()]);
    }
    let mut documents = Vec::new();
    for entry in entries(part)? {
        if entry.is_dir() {
            if !entry.ends_with("target") && !entry.ends_with("node_modules") {
                documents.extend(self::documents(&entry)?);
            }
        } else if is_document(&entry) || entry.extension().is_some_and(|end| end == "rs") {
            documents.push(entry);
        }
    }
    Ok(documents)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut entries = read.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "md")
}

fn blocks(path: &Path) -> Result<Vec<Block>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(if is_document(path) { paragraphs(&text) } else { doc_comments(&text) })
}

fn doc_comments(text: &str) -> Vec<Block> {
    let line = |line: &str| {
        let line = line.trim_start();
        let inner = line.strip_prefix("//!").map(|text| ("//!", text.to_owned()));
        inner.or_else(|| line.strip_prefix("///").map(|text| ("///", text.to_owned())))
    };
    gather(text.lines().map(line), true)
}

fn paragraphs(text: &str) -> Vec<Block> {
    let is_code = |line: &str| line.starts_with("    ");
    let line =
        |line: &str| (!line.trim().is_empty() && !is_code(line)).then(|| ("", line.to_owned()));
    gather(text.lines().map(line), false)
}

/// Joins consecutive lines of one kind to blocks, without fenced code.
fn gather<'a>(
    lines: impl Iterator<Item = Option<(&'a str, String)>>,
    is_doc_comment: bool,
) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut kind, mut is_code) = (None, false);
    for (index, line) in lines.enumerate() {
        let Some((marker, text)) = line else {
            kind = None;
            is_code &= !is_doc_comment;
            continue;
        };
        let is_fence = text.trim_start().starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence {
            continue;
        }
        match blocks.last_mut().filter(|_| kind == Some(marker)) {
            Some(block) => {
                block.text.push(' ');
                block.text.push_str(text.trim());
            }
            None => {
                blocks.push(Block {
                    is_doc_comment,
                    line: index + 1,
                    text: text.trim().to_owned(),
                });
            }
        }
        kind = Some(marker);
    }
    blocks
}

/// Returns the words of a text, without code spans and link targets.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split('`').step_by(2);
    let prose = prose.flat_map(|part| {
        part.split("](").enumerate().map(|(index, part)| {
            if index == 0 { part } else { part.split_once(')').map_or("", |(_, rest)| rest) }
        })
    });
    let words = prose.flat_map(|part| part.split(|letter: char| !is_letter(letter)));
    words.filter(|word| word.starts_with(|first: char| first.is_ascii_alphabetic()))
}

fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphabetic() || matches!(letter, '\'' | '’' | '-')
}

fn vague(text: &str) -> usize {
    let is_vague = |word: &&str| {
        let stem = word.split(['\'', '’']).next().unwrap_or_default().to_ascii_lowercase();
        VAGUE.contains(&stem.as_str())
    };
    words(text).filter(is_vague).count()
}

fn opens_vaguely(text: &str) -> bool {
    let text = text.trim_start_matches(|first: char| !first.is_alphanumeric());
    OPENINGS.iter().any(|opening| {
        text.strip_prefix(opening)
            .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
    })
}

fn is_vague(block: &Block) -> bool {
    let (vague, words) = (vague(&block.text), words(&block.text).count());
    (block.is_doc_comment && opens_vaguely(&block.text)) || (vague >= 2 && 100 * vague > 6 * words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_link_targets_are_no_words() {
        let text = "Names `that` and [a link](https://example.org/what), one's own.";
        assert_eq!(words(text).count(), 6);
        assert_eq!(vague(text), 1);
    }

    #[test]
    fn doc_comments_are_blocks_without_their_examples() {
        let text = "//! Page.\n//! More.\n\n/// What is this\n/// ```\n/// let that = 1;\n/// ```\nfn f() {}\n";
        let blocks = doc_comments(text);
        assert_eq!(blocks.len(), 2);
        assert_eq!((blocks[0].text.as_str(), blocks[1].line), ("Page. More.", 4));
        assert!(opens_vaguely(&blocks[1].text) && !opens_vaguely("Whatsoever"));
    }

    #[test]
    fn a_part_above_a_limit_is_too_vague() {
        let counts = |vague| Counts { words: 1000, vague, comments: 100, openings: 4 };
        assert!(!counts(45).is_too_vague() && counts(46).is_too_vague());
        assert!(Counts { openings: 5, ..counts(0) }.is_too_vague());
    }
}
