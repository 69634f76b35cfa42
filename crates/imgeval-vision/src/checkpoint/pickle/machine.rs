//! The stack machine.

use std::collections::HashMap;

use super::{
    super::stored::{StoredType, View},
    globals::{Global, resolve},
    value::{Id, Pickle, Storage, Tensor, Value},
};

/// Instructions, and elements copied by them: bounds the time and the stack.
const MAX_STEPS: usize = 1 << 24;
/// Bounds the memory: about 40 bytes each.
const MAX_VALUES: usize = 1 << 22;
/// Longer names are no Python names.
const MAX_NAME: usize = 512;
/// Dimensions of a tensor.
const MAX_RANK: usize = 64;

/// A pickle that is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PickleError {
    #[error("it ends in the middle of an instruction")]
    Truncated,
    #[error("instruction {opcode:#04x} at byte {position} has no place in weights")]
    Instruction { opcode: u8, position: usize },
    /// The file is refused with a sentence of its own.
    #[error("it names `{global}`")]
    Forbidden { global: String },
    #[error("the instruction at byte {position} {problem}")]
    Malformed { position: usize, problem: &'static str },
    #[error("it is too large")]
    TooLarge,
}

const NONE: Id = Id(0);
const TRUE: Id = Id(1);
const FALSE: Id = Id(2);
const OPAQUE: Id = Id(3);

/// Reads one pickle from the start of `bytes`.
pub(in crate::checkpoint) fn parse(bytes: &[u8]) -> Result<Pickle<'_>, PickleError> {
    Machine::new(bytes).run()
}

struct Machine<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Start of the instruction at work.
    instruction: usize,
    steps: usize,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    storages: Vec<Storage<'a>>,
}

type Step<T = ()> = Result<T, PickleError>;

impl<'a> Machine<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        // The values behind NONE, TRUE, FALSE and OPAQUE.
        let values = vec![Value::None, Value::Bool(true), Value::Bool(false), Value::Opaque];
        Self {
            bytes,
            position: 0,
            instruction: 0,
            steps: 0,
            values,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            storages: Vec::new(),
        }
    }

    fn run(mut self) -> Step<Pickle<'a>> {
        loop {
            self.instruction = self.position;
            self.charge(1)?;
            let opcode = self.byte()?;
            if opcode == b'.' {
                let root = self.pop()?;
                return Ok(Pickle {
                    values: self.values,
                    root,
                    length: self.position,
                    storages: self.storages,
                });
            }
            self.execute(opcode)?;
        }
    }

    fn execute(&mut self, opcode: u8) -> Step {
        match opcode {
            // PROTO, FRAME
            0x80 => match self.byte()? {
                2..=5 => Ok(()),
                _ => Err(self.malformed("asks for an unknown protocol")),
            },
            0x95 => self.take(8).map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(drop),
            b'1' => self.pop_mark().map(drop),
            b'2' => {
                let top = self.top()?;
                self.push_id(top)
            }
            b'N' => self.push_id(NONE),
            0x88 => self.push_id(TRUE),
            0x89 => self.push_id(FALSE),
            b'K' | b'M' | b'J' | 0x8a | 0x8b => self.integer(opcode),
            b'G' => {
                self.take(8)?;
                self.push_id(OPAQUE)
            }
            b'X' | 0x8c | 0x8d | b'T' | b'U' => self.text(opcode),
            b'B' | b'C' | 0x8e | 0x96 => self.opaque_bytes(opcode),
            b')' | 0x85 | 0x86 | 0x87 | b't' => self.tuple(opcode),
            b'}' => self.push(Value::Dict(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            0x8f => self.push_id(OPAQUE),
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])
            }
            b'e' => {
                let items = self.pop_mark()?;
                self.append(&items)
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set_items(&[key, value])
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.set_items(&items)
            }
            // ADDITEMS, FROZENSET
            0x90 => self.pop_mark().map(drop),
            0x91 => {
                self.pop_mark()?;
                self.push_id(OPAQUE)
            }
            b'q' | b'r' | 0x94 | b'h' | b'j' => self.memorise(opcode),
            b'c' | 0x93 => self.global(opcode),
            b'R' | 0x81 | 0x92 => self.call(opcode),
            b'b' => self.build(),
            b'Q' => self.persistent(),
            _ => Err(PickleError::Instruction { opcode, position: self.instruction }),
        }
    }

    fn integer(&mut self, opcode: u8) -> Step {
        let value = match opcode {
            b'K' => self.number(1)?,
            b'M' => self.number(2)?,
            b'J' => i64::from(self.number(4)? as u32 as i32) as u64,
            _ => {
                let length = self.number(if opcode == 0x8a { 1 } else { 4 })?;
                let digits = self.take(length)?;
                if digits.len() > 8 {
                    return self.push_id(OPAQUE);
                }
                let is_negative = digits.last().is_some_and(|byte| *byte >= 0x80);
                let fill = if is_negative { 0xff } else { 0 };
                let mut wide = [fill; 8];
                wide[..digits.len()].copy_from_slice(digits);
                u64::from_le_bytes(wide)
            }
        };
        self.push(Value::Int(value as i64))
    }

    /// Python 2 wrote byte strings for names too.
    fn text(&mut self, opcode: u8) -> Step {
        let length = match opcode {
            0x8c | b'U' => self.number(1)?,
            0x8d => self.number(8)?,
            _ => self.number(4)?,
        };
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push(Value::Text(text)),
            Err(_) => self.push_id(OPAQUE),
        }
    }

    fn opaque_bytes(&mut self, opcode: u8) -> Step {
        let length = match opcode {
            b'C' => self.number(1)?,
            b'B' => self.number(4)?,
            _ => self.number(8)?,
        };
        self.take(length)?;
        self.push_id(OPAQUE)
    }

    fn tuple(&mut self, opcode: u8) -> Step {
        let items = match opcode {
            b')' => Vec::new(),
            b't' => self.pop_mark()?,
            _ => {
                let count = usize::from(opcode - 0x84);
                let start = self.stack.len().checked_sub(count).filter(|start| *start >= self.floor());
                let start = start.ok_or_else(|| self.underflow())?;
                self.stack.split_off(start)
            }
        };
        self.push(Value::Tuple(items))
    }

    fn append(&mut self, items: &[Id]) -> Step {
        let list = self.top()?;
        match self.value_mut(list) {
            Value::List(list) => list.extend_from_slice(items),
            Value::Opaque => {}
            _ => return Err(self.malformed("appends to something that is not a list")),
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Step {
        let target = self.top()?;
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.malformed("has a key without a value"));
        }
        match self.value_mut(target) {
            Value::Dict(dict) => dict.extend(pairs.iter().map(|[key, value]| (*key, *value))),
            Value::Opaque => {}
            _ => return Err(self.malformed("sets items of something that is not a dictionary")),
        }
        Ok(())
    }

    fn memorise(&mut self, opcode: u8) -> Step {
        let index = match opcode {
            b'q' | b'h' => self.number(1)? as u32,
            b'r' | b'j' => self.number(4)? as u32,
            _ => self.memo.len() as u32,
        };
        if matches!(opcode, b'h' | b'j') {
            let id = self.memo.get(&index).copied();
            let id = id.ok_or_else(|| self.malformed("recalls what was never stored"))?;
            return self.push_id(id);
        }
        let top = self.top()?;
        self.memo.insert(index, top);
        if self.memo.len() > MAX_VALUES { Err(PickleError::TooLarge) } else { Ok(()) }
    }

    fn global(&mut self, opcode: u8) -> Step {
        let (module, name) = if opcode == b'c' {
            (self.line()?, self.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            match (self.value(module), self.value(name)) {
                (Value::Text(module), Value::Text(name)) => (*module, *name),
                _ => return Err(self.malformed("names a class by something that is not a string")),
            }
        };
        match resolve(module, name) {
            Some(Global::Opaque) => self.push(Value::Global(Global::Opaque)),
            Some(global) => self.push(Value::Global(global)),
            None => Err(forbidden(module, name)),
        }
    }

    /// REDUCE (function, arguments), NEWOBJ (class, arguments), NEWOBJ_EX (class, arguments, keyword arguments).
    fn call(&mut self, opcode: u8) -> Step {
        if opcode == 0x92 {
            self.pop()?;
        }
        let (arguments, function) = (self.pop()?, self.pop()?);
        let arguments = self.items(arguments)?;
        let global = match self.value(function) {
            Value::Global(global) => *global,
            // What an opaque call gave may be called itself, to give something opaque again.
            Value::Opaque => Global::Opaque,
            _ => return Err(self.malformed("calls something that is not a function")),
        };
        let result = if global == Global::RebuildFromType {
            self.rebuild_from_type(&arguments)?
        } else {
            self.apply(global, &arguments)?
        };
        self.push_id(result)
    }

    fn rebuild_from_type(&mut self, arguments: &[Id]) -> Step<Id> {
        let [function, _, inner, ..] = arguments else {
            return Err(self.malformed("rebuilds a tensor from too little"));
        };
        let Value::Global(global) = *self.value(*function) else {
            return Err(self.malformed("rebuilds a tensor with something that is not a function"));
        };
        if global == Global::RebuildFromType {
            return Err(self.malformed("rebuilds a tensor in circles"));
        }
        let inner = self.items(*inner)?;
        self.apply(global, &inner)
    }

    fn apply(&mut self, global: Global, arguments: &[Id]) -> Step<Id> {
        match global {
            Global::RebuildTensor | Global::RebuildTypedTensor => {
                let tensor = self.tensor(arguments, global == Global::RebuildTypedTensor)?;
                self.add(Value::Tensor(Box::new(tensor)))
            }
            Global::First => {
                arguments.first().copied().ok_or_else(|| self.malformed("calls without arguments"))
            }
            Global::Dict => {
                let pairs = self.pairs(arguments.first().copied())?;
                self.add(Value::Dict(pairs))
            }
            Global::Module => self.add(Value::Module { state: None }),
            Global::Attribute => match arguments {
                // Of a class that is opaque, so the attribute is, too.
                [class, name]
                    if matches!(self.value(*class), Value::Global(Global::Opaque))
                        && matches!(self.value(*name), Value::Text(_)) =>
                {
                    Ok(OPAQUE)
                }
                _ => Err(forbidden("builtins", "getattr")),
            },
            Global::Opaque | Global::Type(_) => Ok(OPAQUE),
            Global::Storage(_) | Global::RebuildFromType => {
                Err(self.malformed("calls something that weights do not call"))
            }
        }
    }

    fn pairs(&mut self, source: Option<Id>) -> Step<Vec<(Id, Id)>> {
        let Some(source) = source else { return Ok(Vec::new()) };
        let count = match self.value(source) {
            Value::List(items) => items.len(),
            Value::Dict(pairs) => pairs.len(),
            // The factory of a default dictionary.
            Value::Global(_) | Value::None | Value::Opaque => 0,
            _ => return Err(self.malformed("makes a dictionary of something else")),
        };
        self.charge(count)?;
        match self.value(source) {
            Value::Dict(pairs) => Ok(pairs.clone()),
            Value::List(items) => items
                .iter()
                .map(|item| match self.value(*item) {
                    Value::List(pair) | Value::Tuple(pair) => match pair.as_slice() {
                        [key, value] => Ok((*key, *value)),
                        _ => Err(self.malformed("makes a dictionary of something that is not pairs")),
                    },
                    _ => Err(self.malformed("makes a dictionary of something that is not pairs")),
                })
                .collect(),
            _ => Ok(Vec::new()),
        }
    }

    fn tensor(&self, arguments: &[Id], is_typed: bool) -> Step<Tensor<'a>> {
        let [storage, offset, shape, strides, rest @ ..] = arguments else {
            return Err(self.malformed("rebuilds a tensor from too little"));
        };
        let Value::Storage(storage) = *self.value(*storage) else {
            return Err(self.malformed("rebuilds a tensor without a storage"));
        };
        let dtype = if is_typed {
            match rest.get(2).map(|id| self.value(*id)) {
                Some(Value::Global(Global::Type(dtype))) => *dtype,
                _ => return Err(self.malformed("rebuilds a tensor of an unknown type")),
            }
        } else {
            storage.dtype.unwrap_or(StoredType::U8)
        };
        let offset = self.natural(*offset)?;
        Ok(Tensor {
            storage,
            view: View { offset, shape: self.naturals(*shape)?, strides: self.naturals(*strides)?, dtype },
        })
    }

    fn natural(&self, id: Id) -> Step<u64> {
        match self.value(id) {
            Value::Int(number) if *number >= 0 => Ok(*number as u64),
            _ => Err(self.malformed("has a size or position that is not a natural number")),
        }
    }

    fn naturals(&self, id: Id) -> Step<Vec<u64>> {
        match self.value(id) {
            Value::Tuple(items) | Value::List(items) if items.len() <= MAX_RANK => {
                items.iter().map(|item| self.natural(*item)).collect()
            }
            _ => Err(self.malformed("has an invalid shape")),
        }
    }

    /// The state of an object: attributes of a TorchScript module, of no interest elsewhere.
    fn build(&mut self) -> Step {
        let new_state = self.pop()?;
        let target = self.top()?;
        if let Value::Module { state } = self.value_mut(target) {
            *state = Some(new_state);
        }
        Ok(())
    }

    /// `("storage", class, key, device, elements[, view])`.
    fn persistent(&mut self) -> Step {
        let id = self.pop()?;
        let storage = {
            let Value::Tuple(items) = self.value(id) else {
                return Err(self.malformed("refers to something that is not a storage"));
            };
            let [kind, class, key, _, elements, view @ ..] = items.as_slice() else {
                return Err(self.malformed("refers to something that is not a storage"));
            };
            if !matches!(self.value(*kind), Value::Text("storage")) {
                return Err(self.malformed("refers to something that is not a storage"));
            }
            if view.iter().any(|view| !matches!(self.value(*view), Value::None)) {
                return Err(self.malformed("refers to a view of a storage, as only very old files do"));
            }
            let Value::Global(Global::Storage(dtype)) = *self.value(*class) else {
                return Err(self.malformed("refers to a storage of an unknown type"));
            };
            let Value::Text(key) = *self.value(*key) else {
                return Err(self.malformed("refers to a storage by something that is not a string"));
            };
            Storage { dtype, key, elements: self.natural(*elements)? }
        };
        self.storages.push(storage);
        self.push(Value::Storage(storage))
    }

    // Stack, values and bytes.

    fn charge(&mut self, steps: usize) -> Step {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MAX_STEPS { Err(PickleError::TooLarge) } else { Ok(()) }
    }

    fn add(&mut self, value: Value<'a>) -> Step<Id> {
        if self.values.len() >= MAX_VALUES {
            return Err(PickleError::TooLarge);
        }
        let id = Id(self.values.len() as u32);
        self.values.push(value);
        Ok(id)
    }

    fn push(&mut self, value: Value<'a>) -> Step {
        let id = self.add(value)?;
        self.push_id(id)
    }

    fn push_id(&mut self, id: Id) -> Step {
        self.stack.push(id);
        Ok(())
    }

    fn value(&self, id: Id) -> &Value<'a> {
        &self.values[id.0 as usize]
    }

    fn value_mut(&mut self, id: Id) -> &mut Value<'a> {
        &mut self.values[id.0 as usize]
    }

    fn items(&mut self, id: Id) -> Step<Vec<Id>> {
        let Value::Tuple(items) = self.value(id) else {
            return Err(self.malformed("calls with something that is not a tuple"));
        };
        let items = items.clone();
        self.charge(items.len())?;
        Ok(items)
    }

    /// What lies below the last mark is out of reach.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Step<Id> {
        let reachable = self.stack.get(self.floor()..).unwrap_or_default();
        reachable.last().copied().ok_or_else(|| self.underflow())
    }

    fn pop(&mut self) -> Step<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_mark(&mut self) -> Step<Vec<Id>> {
        let height = self.marks.pop().ok_or_else(|| self.underflow())?;
        Ok(self.stack.split_off(height.min(self.stack.len())))
    }

    fn underflow(&self) -> PickleError {
        self.malformed("takes from an empty stack")
    }

    fn malformed(&self, problem: &'static str) -> PickleError {
        PickleError::Malformed { position: self.instruction, problem }
    }

    fn byte(&mut self) -> Step<u8> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self, length: u64) -> Step<u64> {
        let bytes = self.take(length)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn take(&mut self, length: u64) -> Step<&'a [u8]> {
        let length = usize::try_from(length).map_err(|_| PickleError::Truncated)?;
        let end = self.position.checked_add(length).ok_or(PickleError::Truncated)?;
        let taken = self.bytes.get(self.position..end).ok_or(PickleError::Truncated)?;
        self.position = end;
        Ok(taken)
    }

    fn line(&mut self) -> Step<&'a str> {
        let rest = &self.bytes[self.position..];
        let rest = &rest[..rest.len().min(MAX_NAME)];
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or(PickleError::Truncated)?;
        self.position += length + 1;
        std::str::from_utf8(&rest[..length]).map_err(|_| self.malformed("has a name that is not a string"))
    }
}

fn forbidden(module: &str, name: &str) -> PickleError {
    let global = format!("{module}.{name}").chars().take(120).flat_map(char::escape_debug).collect();
    PickleError::Forbidden { global }
}
