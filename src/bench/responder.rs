//! The least that answers over HTTP: one thread for each connection and the same bytes each time. What it
//! costs is what the kernel asks of any server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use crate::console;

/// The longest head of a request.
const HEAD_MAX: usize = 8 * 1024;
/// What a request says that may be answered without a body.
const CONDITION: &[u8] = b"if-none-match";

/// What to answer with.
#[derive(Args, Clone, Debug)]
pub(crate) struct ResponderArgs {
    /// A folder with two whole answers: `full`, and `unchanged` for requests with a condition
    answers: PathBuf,
}

/// Two whole answers, head and body.
struct Answers {
    full: Vec<u8>,
    unchanged: Vec<u8>,
}

/// Says where it listens, and answers for ever.
///
/// # Errors
/// When the answers cannot be read or nothing can be listened on.
pub(crate) fn respond(args: &ResponderArgs) -> anyhow::Result<()> {
    let answers = Arc::new(Answers::read(&args.answers)?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    console::line(format!("http://{}", listener.local_addr()?));
    for stream in listener.incoming() {
        let (stream, answers) = (stream?, Arc::clone(&answers));
        stream.set_nodelay(true)?;
        // Who hangs up ends its thread; the process ends with its parent.
        std::thread::spawn(move || serve(stream, &answers));
    }
    Ok(())
}

impl Answers {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        Ok(Self {
            full: read("full")?,
            unchanged: read("unchanged")?,
        })
    }
}

/// Answers until the client hangs up, which is no error.
fn serve(mut stream: impl Read + Write, answers: &Answers) -> std::io::Result<()> {
    let (mut head, mut filled) = ([0; HEAD_MAX], 0);
    while filled < HEAD_MAX {
        let more = stream.read(&mut head[filled..])?;
        if more == 0 {
            return Ok(());
        }
        filled += more;
        if !head[..filled].ends_with(b"\r\n\r\n") {
            continue;
        }
        let is_known = head[..filled]
            .windows(CONDITION.len())
            .any(|part| part == CONDITION);
        stream.write_all(if is_known {
            &answers.unchanged
        } else {
            &answers.full
        })?;
        filled = 0;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request in pieces, and what was answered.
    struct Wire {
        pieces: Vec<&'static [u8]>,
        answered: Vec<u8>,
    }

    impl Read for Wire {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.pieces.is_empty() {
                return Ok(0);
            }
            self.pieces.remove(0).read(buffer)
        }
    }

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.answered.write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_request_has_its_answer() {
        let mut wire = Wire {
            pieces: vec![
                b"GET / HTTP/1.1\r\n",
                b"host: x\r\n\r\n",
                b"GET / HTTP/1.1\r\nif-none-match: \"1\"\r\n\r\n",
            ],
            answered: Vec::new(),
        };
        let answers = Answers {
            full: b"whole ".to_vec(),
            unchanged: b"same ".to_vec(),
        };
        let served: Result<(), std::io::Error> = serve(&mut wire, &answers);
        assert!(served.is_ok());
        assert_eq!(wire.answered, b"whole same ");
    }
}
