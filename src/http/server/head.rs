//! The first request head of a connection, read before hyper takes over: hyper sets about 20 KB aside for a connection
//! that has sent a byte, and thousands may send no more than that.

use std::io::{self, Cursor};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, join, split};

/// More headers than hyper accepts.
const MAX_HEADERS: usize = 128;
/// The bytes read ahead are kept as long as the connection, so hyper reads the rest.
const MAX_READ_AHEAD: usize = 4 * 1024;

/// Waits for a complete head, a large part of one, invalid bytes, or the end, and returns the stream with what was read
/// put back. `None` if nothing arrived at all.
pub(super) async fn awaited<S>(mut stream: S) -> io::Result<Option<impl AsyncRead + AsyncWrite + Unpin>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut head = Vec::new();
    let mut read = [0; 512];
    while head.len() < MAX_READ_AHEAD && is_partial(&head) {
        match stream.read(&mut read).await? {
            0 if head.is_empty() => return Ok(None),
            0 => break,
            number => head.extend_from_slice(&read[..number]),
        }
    }
    let (reader, writer) = split(stream);
    Ok(Some(join(Cursor::new(head).chain(reader), writer)))
}

fn is_partial(head: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    matches!(httparse::Request::new(&mut headers).parse(head), Ok(httparse::Status::Partial))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, duplex};

    use super::*;

    async fn read_back(sent: &[&[u8]]) -> Option<Vec<u8>> {
        let (mut client, server) = duplex(2 * MAX_READ_AHEAD);
        for piece in sent {
            client.write_all(piece).await.unwrap();
        }
        client.shutdown().await.unwrap();
        let mut text = Vec::new();
        awaited(server).await.unwrap()?.read_to_end(&mut text).await.unwrap();
        Some(text)
    }

    #[tokio::test]
    async fn every_byte_that_was_read_is_read_again() {
        let rest: &[u8] = &[b'x'; MAX_READ_AHEAD];
        let cases: [&[&[u8]]; 4] = [
            &[b"GET / HTTP/1.1\r\n", b"a: b\r\n\r\n", rest],
            &[b"GET / HT"],
            &[b"\x16\x03\x01", rest],
            &[b"GET /", rest],
        ];
        for sent in cases {
            assert_eq!(read_back(sent).await.unwrap(), sent.concat());
        }
    }

    #[tokio::test]
    async fn a_connection_that_sends_nothing_needs_no_answer() {
        assert_eq!(read_back(&[]).await, None);
    }

    #[test]
    fn a_head_is_waited_for_only_while_it_can_be_one() {
        for (head, partial) in [
            ("", true),
            ("GET / HTTP/1.1\r\nhost: a\r\n", true),
            ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", false),
            ("GET / HTTP/1.1\nhost: a\n\n", false),
            ("\u{16}\u{3}\u{1}", false),
            ("GET / HTTP/1.1\r\nno colon\r\n", false),
        ] {
            assert_eq!(is_partial(head.as_bytes()), partial, "{head:?}");
        }
    }
}
