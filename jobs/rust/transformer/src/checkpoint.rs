//! The checkpoint format of llama2.c, version 0: seven i32 and then f32 tensors, all little-endian.
//!
//! ```text
//! dim  hidden  layers  heads  kv_heads  vocabulary  positions
//! token_embedding [vocabulary][dim]
//! for all layers:  attention_norm [dim]   wq [dim][dim]   wk [kv_dim][dim]   wv [kv_dim][dim]   wo [dim][dim]
//!                  feed_forward_norm [dim]   w1 [hidden][dim]   w2 [dim][hidden]   w3 [hidden][dim]
//! final_norm [dim]   rope_cos [positions][head/2]   rope_sin [positions][head/2]
//! classifier [vocabulary][dim]       only if the vocabulary's size was written negated; else it is token_embedding
//! ```
//!
//! Each tensor of a layer is stored for all layers before the next tensor begins. Sizes are checked against the limits
//! here before anything is allocated; values may be any f32, infinities and NaN included.

use std::io::BufRead;

const DIM_MAX: usize = 4096;
const HIDDEN_MAX: usize = 16_384;
const LAYERS_MAX: usize = 128;
const VOCABULARY_MAX: usize = 1 << 17;
const POSITIONS_MAX: usize = 8192;
/// What 1 GiB of f32 holds: a 32-bit guest has little more to offer.
const WEIGHTS_MAX: usize = 1 << 28;

/// The sizes of a model.
#[derive(Clone, Copy)]
pub struct Shape {
    pub dim: usize,
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub vocabulary: usize,
    pub positions: usize,
}

/// A model's sizes and weights.
pub struct Checkpoint {
    pub shape: Shape,
    pub token_embedding: Vec<f32>,
    pub attention_norm: Vec<f32>,
    pub wq: Vec<f32>,
    pub wk: Vec<f32>,
    pub wv: Vec<f32>,
    pub wo: Vec<f32>,
    pub feed_forward_norm: Vec<f32>,
    pub w1: Vec<f32>,
    pub w2: Vec<f32>,
    pub w3: Vec<f32>,
    pub final_norm: Vec<f32>,
    pub rope_cos: Vec<f32>,
    pub rope_sin: Vec<f32>,
    /// Absent when the classifier shares the token embedding.
    pub classifier: Option<Vec<f32>>,
}

impl Shape {
    /// Numbers in one head.
    pub fn head(&self) -> usize {
        self.dim / self.heads
    }

    /// Numbers in the keys, or values, of one position.
    pub fn kv_dim(&self) -> usize {
        self.head() * self.kv_heads
    }
}

impl Checkpoint {
    /// Reads the header and all tensors, and leaves the reader right behind them.
    pub fn read(reader: &mut Reader) -> Result<Self, String> {
        let dim = reader.count("dim", DIM_MAX)?;
        let hidden = reader.count("hidden", HIDDEN_MAX)?;
        let layers = reader.count("layers", LAYERS_MAX)?;
        let heads = reader.count("heads", dim)?;
        let kv_heads = reader.count("kv_heads", heads)?;
        let signed_vocabulary = reader.i32("vocabulary")?;
        let vocabulary = bounded("vocabulary", i64::from(signed_vocabulary).abs(), VOCABULARY_MAX)?;
        let positions = reader.count("positions", POSITIONS_MAX)?;
        if !dim.is_multiple_of(2 * heads) || !heads.is_multiple_of(kv_heads) {
            return Err(format!("{heads} heads of even size, shared by {kv_heads}, do not divide dim {dim}"));
        }
        let shape = Shape { dim, hidden, layers, heads, kv_heads, vocabulary, positions };
        let kv_dim = shape.kv_dim();
        let rope = positions * shape.head() / 2;

        Ok(Self {
            shape,
            token_embedding: reader.tensor("token_embedding", &[vocabulary, dim])?,
            attention_norm: reader.tensor("attention_norm", &[layers, dim])?,
            wq: reader.tensor("wq", &[layers, dim, dim])?,
            wk: reader.tensor("wk", &[layers, kv_dim, dim])?,
            wv: reader.tensor("wv", &[layers, kv_dim, dim])?,
            wo: reader.tensor("wo", &[layers, dim, dim])?,
            feed_forward_norm: reader.tensor("feed_forward_norm", &[layers, dim])?,
            w1: reader.tensor("w1", &[layers, hidden, dim])?,
            w2: reader.tensor("w2", &[layers, dim, hidden])?,
            w3: reader.tensor("w3", &[layers, hidden, dim])?,
            final_norm: reader.tensor("final_norm", &[dim])?,
            rope_cos: reader.tensor("rope_cos", &[rope])?,
            rope_sin: reader.tensor("rope_sin", &[rope])?,
            classifier: match signed_vocabulary {
                ..0 => Some(reader.tensor("classifier", &[vocabulary, dim])?),
                _ => None,
            },
        })
    }
}

/// Reads little-endian numbers, and keeps account of how many weights may still come.
pub struct Reader<'a> {
    input: &'a mut dyn BufRead,
    weights_left: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of a checkpoint.
    pub fn new(input: &'a mut dyn BufRead) -> Self {
        Self { input, weights_left: WEIGHTS_MAX }
    }

    /// A number from 1 to `max`.
    pub fn count(&mut self, name: &str, max: usize) -> Result<usize, String> {
        bounded(name, i64::from(self.i32(name)?), max)
    }

    /// A token id below the vocabulary's size.
    pub fn token(&mut self, vocabulary: usize) -> Result<usize, String> {
        let token = self.i32("prompt")?;
        match usize::try_from(token) {
            Ok(id) if id < vocabulary => Ok(id),
            _ => Err(format!("prompt: token 0 to {} wanted, got {token}", vocabulary - 1)),
        }
    }

    fn i32(&mut self, name: &str) -> Result<i32, String> {
        let mut bytes = [0; 4];
        self.input.read_exact(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
        Ok(i32::from_le_bytes(bytes))
    }

    /// Reads a tensor; memory grows with the bytes that really come, not with the size that the header announces.
    fn tensor(&mut self, name: &str, sides: &[usize]) -> Result<Vec<f32>, String> {
        let size = sides.iter().try_fold(1usize, |size, &side| size.checked_mul(side));
        let size = size.filter(|&size| size <= self.weights_left);
        let size = size.ok_or_else(|| format!("{name}: the model has more than {WEIGHTS_MAX} weights"))?;
        self.weights_left -= size;

        let mut numbers = Vec::new();
        let mut chunk = [0u8; 4096];
        while numbers.len() < size {
            let bytes = &mut chunk[..4096.min((size - numbers.len()) * 4)];
            self.input.read_exact(bytes).map_err(|error| format!("{name}: {error}"))?;
            let (words, _) = bytes.as_chunks();
            numbers.extend(words.iter().map(|&word| f32::from_le_bytes(word)));
        }
        Ok(numbers)
    }
}

fn bounded(name: &str, number: i64, max: usize) -> Result<usize, String> {
    match usize::try_from(number) {
        Ok(count) if (1..=max).contains(&count) => Ok(count),
        _ => Err(format!("{name}: 1 to {max} wanted, got {number}")),
    }
}
