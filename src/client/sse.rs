//! Server-sent events, read as they come. Format: WHATWG HTML, section 9.2.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde_json::Value;

use super::answer::CallError;

/// Largest event taken, in bytes: an order's events are a few kilobytes.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// The id, which is the order's sequence.
    pub(crate) id: String,
    /// The name, such as `placed`.
    pub(crate) name: String,
    /// The data as JSON; a string when it is none.
    pub(crate) data: Value,
}

/// An open stream of events.
pub(crate) struct EventStream {
    bytes: BoxStream<'static, reqwest::Result<Vec<u8>>>,
    lines: Lines,
    building: Building,
}

impl EventStream {
    pub(super) fn new(response: reqwest::Response) -> Self {
        let bytes = response
            .bytes_stream()
            .map(|chunk| chunk.map(|bytes| bytes.to_vec()))
            .boxed();
        Self {
            bytes,
            lines: Lines::default(),
            building: Building::default(),
        }
    }

    /// The next event; nothing when the server has ended the stream.
    ///
    /// # Errors
    /// [`CallError`] when the connection breaks or an event is absurdly large.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, CallError> {
        loop {
            while let Some(line) = self.lines.next() {
                if let Some(event) = self.building.line(&line) {
                    return Ok(Some(event));
                }
            }
            match self.bytes.next().await {
                None => return Ok(None),
                Some(Ok(chunk)) => self.lines.push(&chunk)?,
                Some(Err(source)) => {
                    return Err(CallError::Unreachable {
                        call: "the event stream".into(),
                        source,
                    });
                }
            }
        }
    }
}

/// Cuts a stream of bytes into lines that end with LF, CR LF or CR LF split over two chunks.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    fn push(&mut self, chunk: &[u8]) -> Result<(), CallError> {
        if self.bytes.len() + chunk.len() > EVENT_BYTES_MAX {
            return Err(CallError::Unexpected(
                "an event is larger than 1 MiB".to_owned(),
            ));
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    fn next(&mut self) -> Option<String> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.bytes.drain(..=end).collect();
        let text = String::from_utf8_lossy(&line);
        Some(text.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// The fields of the event that is being read.
#[derive(Debug, Default)]
struct Building {
    id: String,
    name: String,
    data: Vec<String>,
}

impl Building {
    /// Takes one line; an empty one completes the event, a comment is skipped.
    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            return self.complete();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut self.id),
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push(value.to_owned()),
            // Comments have an empty field name; unknown fields are to be ignored.
            _ => {}
        }
        None
    }

    fn complete(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        if data.is_empty() {
            return None;
        }
        let text = data.join("\n");
        let data = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let name = if name.is_empty() {
            "message".to_owned()
        } else {
            name
        };
        Some(Event {
            id: self.id.clone(),
            name,
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(chunks: &[&[u8]]) -> Vec<Event> {
        let (mut lines, mut building) = (Lines::default(), Building::default());
        let mut events = Vec::new();
        for chunk in chunks {
            lines.push(chunk).expect("small chunks");
            while let Some(line) = lines.next() {
                events.extend(building.line(&line));
            }
        }
        events
    }

    #[test]
    fn events_are_read_over_any_cut() {
        let text = ": hello\n\nid: 3\nevent: placed\ndata: {\"a\":\ndata: 1}\r\n\r\ndata:x\n\n";
        let whole = read(&[text.as_bytes()]);
        assert_eq!(whole.len(), 2);
        assert_eq!(
            (whole[0].id.as_str(), whole[0].name.as_str()),
            ("3", "placed")
        );
        assert_eq!(whole[0].data["a"], 1);
        assert_eq!(
            (whole[1].name.as_str(), &whole[1].data),
            ("message", &Value::from("x"))
        );
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(read(&bytes), whole);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            read(&chunks);
        }
    }
}
