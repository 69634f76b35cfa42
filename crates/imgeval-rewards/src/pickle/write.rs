//! Writes answers as pickles of protocol 4, with the bytes of Python's own `pickle.dumps`.

use super::opcodes as op;

/// A value of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<'a> {
    None,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(&'a str),
    List(Vec<Self>),
    Dictionary(Vec<(&'a str, Self)>),
}

/// Python closes a frame once it holds so much.
const FRAME_BYTES: usize = 64 * 1024;
/// Python writes so many items of a collection together.
const BATCH: usize = 1000;

/// The pickle of an answer. Texts that are equal are one object, as constants of a Python program are.
#[must_use]
pub fn write(answer: &Answer<'_>) -> Vec<u8> {
    let mut writer = Writer { done: vec![op::PROTO, 4], frame: Vec::new(), n_stored: 0, texts: Vec::new() };
    writer.save(answer);
    writer.frame.push(op::STOP);
    writer.close_frame();
    writer.done
}

struct Writer<'a> {
    done: Vec<u8>,
    frame: Vec<u8>,
    /// Values in the memo.
    n_stored: u32,
    /// Texts that were written, with their numbers in the memo.
    texts: Vec<(&'a str, u32)>,
}

impl<'a> Writer<'a> {
    fn save(&mut self, answer: &Answer<'a>) {
        match answer {
            Answer::None => self.frame.push(op::NONE),
            Answer::Bool(value) => self.frame.push(if *value { op::NEWTRUE } else { op::NEWFALSE }),
            Answer::Integer(number) => self.save_integer(*number),
            Answer::Float(number) => {
                self.frame.push(op::BINFLOAT);
                self.frame.extend(number.to_be_bytes());
            }
            Answer::Text(text) => self.save_text(text),
            Answer::List(items) => {
                self.frame.push(op::EMPTY_LIST);
                self.store();
                self.save_batches(items, op::APPEND, op::APPENDS, Self::save);
            }
            Answer::Dictionary(entries) => {
                self.frame.push(op::EMPTY_DICT);
                self.store();
                self.save_batches(entries, op::SETITEM, op::SETITEMS, |writer, (key, value)| {
                    writer.save_text(key);
                    writer.save(value);
                });
            }
        }
        self.end_value();
    }

    fn save_integer(&mut self, number: i64) {
        if let Ok(byte) = u8::try_from(number) {
            self.frame.extend([op::BININT1, byte]);
        } else if let Ok(short) = u16::try_from(number) {
            self.frame.push(op::BININT2);
            self.frame.extend(short.to_le_bytes());
        } else if let Ok(int) = i32::try_from(number) {
            self.frame.push(op::BININT);
            self.frame.extend(int.to_le_bytes());
        } else {
            // Python leaves out bytes that only repeat the sign.
            let bytes = number.to_le_bytes();
            let n_sign = (1..8).rev().take_while(|place| {
                let sign = if bytes[place - 1] & 0x80 != 0 { 0xff } else { 0 };
                bytes[*place] == sign
            });
            let length = 8 - n_sign.count();
            self.frame.extend([op::LONG1, length as u8]);
            self.frame.extend(&bytes[..length]);
        }
    }

    fn save_text(&mut self, text: &'a str) {
        if let Some((_, number)) = self.texts.iter().find(|(known, _)| *known == text) {
            match u8::try_from(*number) {
                Ok(number) => self.frame.extend([op::BINGET, number]),
                Err(_) => {
                    self.frame.push(op::LONG_BINGET);
                    self.frame.extend(number.to_le_bytes());
                }
            }
        } else {
            match u8::try_from(text.len()) {
                Ok(length) => self.frame.extend([op::SHORT_BINUNICODE, length]),
                Err(_) => {
                    self.frame.push(op::BINUNICODE);
                    self.frame.extend((text.len() as u32).to_le_bytes());
                }
            }
            self.frame.extend(text.as_bytes());
            self.texts.push((text, self.n_stored));
            self.store();
        }
        self.end_value();
    }

    fn save_batches<T>(&mut self, items: &[T], one: u8, many: u8, save: impl Fn(&mut Self, &T)) {
        if let [item] = items {
            save(self, item);
            self.frame.push(one);
            return;
        }
        for batch in items.chunks(BATCH) {
            self.frame.push(op::MARK);
            batch.iter().for_each(|item| save(self, item));
            self.frame.push(many);
        }
    }

    fn store(&mut self) {
        self.frame.push(op::MEMOIZE);
        self.n_stored += 1;
    }

    fn end_value(&mut self) {
        if self.frame.len() >= FRAME_BYTES {
            self.close_frame();
        }
    }

    /// Python leaves out the head of a frame of fewer than four bytes.
    fn close_frame(&mut self) {
        if self.frame.len() >= 4 {
            self.done.push(op::FRAME);
            self.done.extend((self.frame.len() as u64).to_le_bytes());
        }
        self.done.append(&mut self.frame);
    }
}
