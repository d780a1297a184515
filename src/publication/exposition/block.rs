//! Compressed text, so that a scrape only concatenates pieces.
//!
//! A block is a raw deflate fragment (RFC 1951) that ends at a byte's border. Fragments can follow each other in one
//! gzip member (RFC 1952), whose checksum is combined from theirs. Several members in a row would be gzip as well,
//! but browsers and curl stop after the first.

use std::collections::VecDeque;
use std::io::Write as _;

use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc, Decompress, FlushDecompress};

/// Faster than the default level 6, for somewhat more bytes.
const LEVEL: Compression = Compression::new(4);
/// Deflate, no flags, no time, no extra flags, unknown system.
const HEADER: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The last block of a deflate stream, empty.
const END: [u8; 2] = [3, 0];
/// Bytes of text that are inflated at once.
const CHUNK: usize = 64 * 1024;

/// A piece of text, compressed.
#[derive(Debug, Default)]
pub struct Block {
    deflated: Bytes,
    crc: Crc,
    /// Of the text, in bytes.
    len: usize,
}

impl Block {
    pub fn of(text: &str) -> Self {
        let mut press = Press::default();
        press.push(text);
        press.block()
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes its text has.
    pub fn text_len(&self) -> usize {
        self.len
    }

    /// How many bytes the block itself has.
    pub fn compressed_len(&self) -> usize {
        self.deflated.len()
    }
}

/// Builds blocks, one after another.
pub struct Press {
    encoder: DeflateEncoder<Vec<u8>>,
    crc: Crc,
    len: usize,
}

impl Default for Press {
    fn default() -> Self {
        Self { encoder: DeflateEncoder::new(Vec::new(), LEVEL), crc: Crc::new(), len: 0 }
    }
}

impl Press {
    /// Appends to the current block.
    pub fn push(&mut self, text: &str) {
        self.crc.update(text.as_bytes());
        self.len += text.len();
        self.encoder.write_all(text.as_bytes()).expect("a vector takes every byte");
    }

    /// Returns the finished block and starts an independent one.
    pub fn block(&mut self) -> Block {
        let len = std::mem::take(&mut self.len);
        if len == 0 {
            return Block::default();
        }
        self.encoder.flush().expect("a vector takes every byte");
        let mut deflated = std::mem::take(self.encoder.get_mut());
        deflated.shrink_to_fit();
        self.encoder.reset(Vec::new()).expect("a vector takes every byte");
        Block { deflated: deflated.into(), crc: std::mem::take(&mut self.crc), len }
    }
}

/// One gzip member of the text of all `blocks`.
pub fn gzip<'a>(blocks: impl IntoIterator<Item = &'a Block>) -> Vec<Bytes> {
    let mut pieces = vec![Bytes::from_static(HEADER)];
    let mut crc = Crc::new();
    for block in blocks {
        crc.combine(&block.crc);
        pieces.push(block.deflated.clone());
    }
    let [sum, amount] = [crc.sum(), crc.amount()].map(u32::to_le_bytes);
    pieces.push([&END[..], &sum, &amount].concat().into());
    pieces
}

/// The text of blocks, inflated while it is read: never more than a chunk of it.
#[derive(Debug)]
pub struct Plain {
    /// Fragments, and the length of their texts.
    fragments: VecDeque<(Bytes, usize)>,
    inflate: Decompress,
    /// Remaining bytes of text.
    left: u64,
}

impl Plain {
    pub fn of<'a>(blocks: impl IntoIterator<Item = &'a Block>) -> Self {
        let blocks = blocks.into_iter().filter(|block| !block.is_empty());
        let fragments: VecDeque<_> = blocks.map(|block| (block.deflated.clone(), block.len)).collect();
        let left = fragments.iter().map(|(_, len)| *len as u64).sum();
        Self { fragments, inflate: Decompress::new(false), left }
    }

    /// Remaining bytes of text.
    pub fn left(&self) -> u64 {
        self.left
    }
}

impl Iterator for Plain {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let (fragment, len) = self.fragments.front()?;
        let (read, written) = (self.inflate.total_in() as usize, self.inflate.total_out() as usize);
        let mut text = Vec::with_capacity(CHUNK.min(len - written));
        let input = &fragment[read..];
        self.inflate.decompress_vec(input, &mut text, FlushDecompress::None).ok()?;
        if written + text.len() == *len {
            self.fragments.pop_front();
            self.inflate.reset(false);
        } else if text.is_empty() {
            return None;
        }
        self.left -= text.len() as u64;
        Some(text.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn unzipped(pieces: &[Bytes]) -> String {
        let all = pieces.concat();
        let mut decoder = GzDecoder::new(&all[..]);
        let mut text = String::new();
        decoder.read_to_string(&mut text).unwrap();
        assert!(decoder.into_inner().is_empty(), "there is more than one member");
        text
    }

    #[test]
    fn a_member_of_no_blocks_is_empty() {
        assert_eq!(unzipped(&gzip([])), "");
        assert_eq!(Plain::of([]).next(), None);
    }

    #[test]
    fn a_long_text_is_inflated_in_chunks() {
        let text: String = (0..40_000).map(|number| format!("line {number}\n")).collect();
        let chunks: Vec<_> = Plain::of([&Block::of(&text)]).collect();
        assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK));
        assert!(chunks.concat() == text.as_bytes());
    }

    proptest! {
        #[test]
        fn blocks_in_a_row_are_the_texts_in_a_row(texts in prop::collection::vec("[ab\n长]{0,40}", 0..8)) {
            let mut press = Press::default();
            let mut block = |text: &String| {
                press.push(text);
                press.block()
            };
            let blocks: Vec<_> = texts.iter().map(&mut block).collect();
            prop_assert_eq!(unzipped(&gzip(&blocks)), texts.concat());
            let plain = Plain::of(&blocks);
            prop_assert_eq!(plain.left() as usize, texts.concat().len());
            let chunks: Vec<_> = plain.collect();
            prop_assert_eq!(chunks.concat(), texts.concat().into_bytes());
        }
    }
}
