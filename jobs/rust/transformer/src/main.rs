//! Inference of a small language model of the Llama family in f32: a prompt goes in, a greedy continuation comes out.
//!
//! Input, little-endian: a checkpoint in the first format of llama2.c (see `checkpoint`), then a request: the number of
//! positions to run as u32, the prompt length as u32, the prompt's token ids as u32. Output: a line
//! `position token next logit` for each position, `next` being the token with the greatest logit, the first one of
//! equals. Every f32 operation happens in the order written in `model`, so any IEEE 754 host prints the same.

mod checkpoint;
mod model;

use std::io::{BufRead, Write};
use std::process::ExitCode;

use checkpoint::{Checkpoint, Reader};
use job::Outcome;
use model::Model;

fn main() -> ExitCode {
    job::run("transformer", infer)
}

fn infer(input: &mut dyn BufRead, output: &mut dyn Write) -> Outcome {
    let mut reader = Reader::new(input);
    let checkpoint = Checkpoint::read(&mut reader)?;
    let shape = checkpoint.shape;
    let positions = reader.count("positions", shape.positions)?;
    let prompt_length = reader.count("prompt length", positions)?;
    let prompt = (0..prompt_length).map(|_| reader.token(shape.vocabulary)).collect::<Result<Vec<usize>, _>>()?;
    if input.read(&mut [0])? != 0 {
        return Err("bytes follow the prompt".into());
    }

    let mut model = Model::new(&checkpoint);
    let mut next = prompt[0];
    for position in 0..positions {
        let token = prompt.get(position).copied().unwrap_or(next);
        let logits = model.forward(token, position);
        let (best, logit) = greatest(logits);
        writeln!(output, "{position} {token} {best} {logit}")?;
        next = best;
    }
    Ok(ExitCode::SUCCESS)
}

fn greatest(logits: &[f32]) -> (usize, f32) {
    let mut best = (0, logits[0]);
    for (token, &logit) in logits.iter().enumerate() {
        if logit > best.1 {
            best = (token, logit);
        }
    }
    best
}
