//! The forward pass of a Llama-style transformer, one token at a time, with a cache of keys and values.
//!
//! Every sum runs from the first element to the last in f32. The only function that IEEE 754 does not define, the
//! exponential, is spelled out here, so that no mathematical library is part of the result.

use crate::checkpoint::{Checkpoint, Shape};

/// Keeps the root mean square away from zero, as Llama does.
const NORM_EPSILON: f32 = 1e-5;

/// A model in the middle of a text.
pub struct Model<'a> {
    weights: &'a Checkpoint,
    /// Keys and values, by layer; each grows by `kv_dim` numbers a position.
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
    logits: Vec<f32>,
}

impl<'a> Model<'a> {
    /// A model that has read nothing yet.
    pub fn new(weights: &'a Checkpoint) -> Self {
        let Shape { layers, vocabulary, .. } = weights.shape;
        Self {
            weights,
            keys: vec![Vec::new(); layers],
            values: vec![Vec::new(); layers],
            logits: vec![0.0; vocabulary],
        }
    }

    /// Feeds the token at `position`, which is the number of tokens fed before, and returns the logits of the next.
    pub fn forward(&mut self, token: usize, position: usize) -> &[f32] {
        let weights = self.weights;
        let Shape { dim, hidden, layers, .. } = weights.shape;
        let mut x = slice(&weights.token_embedding, token, dim).to_vec();
        for layer in 0..layers {
            let normed = rms_norm(&x, slice(&weights.attention_norm, layer, dim));
            let mixed = self.attention(layer, position, &normed);
            add(&mut x, &multiply(slice(&weights.wo, layer, dim * dim), &mixed));

            let normed = rms_norm(&x, slice(&weights.feed_forward_norm, layer, dim));
            let mut gate = multiply(slice(&weights.w1, layer, hidden * dim), &normed);
            let up = multiply(slice(&weights.w3, layer, hidden * dim), &normed);
            for (gate, up) in gate.iter_mut().zip(&up) {
                *gate = *gate * (1.0 / (1.0 + exp(-*gate))) * up;
            }
            add(&mut x, &multiply(slice(&weights.w2, layer, dim * hidden), &gate));
        }
        let normed = rms_norm(&x, &weights.final_norm);
        let classifier = weights.classifier.as_ref().unwrap_or(&weights.token_embedding);
        self.logits = multiply(classifier, &normed);
        &self.logits
    }

    fn attention(&mut self, layer: usize, position: usize, x: &[f32]) -> Vec<f32> {
        let weights = self.weights;
        let shape = weights.shape;
        let (dim, head, kv_dim) = (shape.dim, shape.head(), shape.kv_dim());
        let mut query = multiply(slice(&weights.wq, layer, dim * dim), x);
        let mut key = multiply(slice(&weights.wk, layer, kv_dim * dim), x);
        let value = multiply(slice(&weights.wv, layer, kv_dim * dim), x);
        let cos = slice(&weights.rope_cos, position, head / 2);
        let sin = slice(&weights.rope_sin, position, head / 2);
        rotate(&mut query, cos, sin);
        rotate(&mut key, cos, sin);
        self.keys[layer].extend(key);
        self.values[layer].extend(value);

        let scale = (head as f32).sqrt();
        let mut mixed = vec![0.0; dim];
        for (index, (query, mixed)) in query.chunks_exact(head).zip(mixed.chunks_exact_mut(head)).enumerate() {
            // Neighbouring heads share the keys and values of one kv head.
            let offset = index / (shape.heads / shape.kv_heads) * head;
            let shared = offset..offset + head;
            let mut scores: Vec<f32> =
                self.keys[layer].chunks_exact(kv_dim).map(|row| dot(query, &row[shared.clone()]) / scale).collect();
            softmax(&mut scores);
            for (score, row) in scores.iter().zip(self.values[layer].chunks_exact(kv_dim)) {
                for (mixed, value) in mixed.iter_mut().zip(&row[shared.clone()]) {
                    *mixed += score * value;
                }
            }
        }
        mixed
    }
}

/// The `index`th part of a tensor whose parts hold `size` numbers.
fn slice(tensor: &[f32], index: usize, size: usize) -> &[f32] {
    &tensor[index * size..][..size]
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

/// A row-major matrix times a vector.
fn multiply(matrix: &[f32], vector: &[f32]) -> Vec<f32> {
    matrix.chunks_exact(vector.len()).map(|row| dot(row, vector)).collect()
}

fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

fn rms_norm(x: &[f32], weight: &[f32]) -> Vec<f32> {
    let scale = 1.0 / (dot(x, x) / x.len() as f32 + NORM_EPSILON).sqrt();
    x.iter().zip(weight).map(|(x, weight)| weight * (scale * x)).collect()
}

/// Rotates each pair of neighbours by its angle; every head uses the same angles.
fn rotate(vector: &mut [f32], cos: &[f32], sin: &[f32]) {
    for head in vector.chunks_exact_mut(2 * cos.len()) {
        for ((pair, cos), sin) in head.chunks_exact_mut(2).zip(cos).zip(sin) {
            (pair[0], pair[1]) = (pair[0] * cos - pair[1] * sin, pair[0] * sin + pair[1] * cos);
        }
    }
}

fn softmax(scores: &mut [f32]) {
    let max = scores.iter().fold(f32::NEG_INFINITY, |max, &score| if score > max { score } else { max });
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = exp(*score - max);
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}

/// e^x to about one unit in the last place: x = k ln 2 + r, a polynomial for e^r, and k added to the exponent.
///
/// Results that would be subnormal are zero, those beyond the largest f32 are infinite.
fn exp(x: f32) -> f32 {
    // ln 2 in two parts: the first has trailing zeros enough (it is 0.693359375) for k times it to be exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    /// Taylor's coefficients 1/6! to 1/0!: |r| <= ln 2 / 2, so what is left out is below 2^-23.
    const COEFFICIENTS: [f32; 7] = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];

    if x.is_nan() {
        return x;
    }
    if x > 88.0 {
        return f32::INFINITY;
    }
    if x < -87.0 {
        return 0.0;
    }
    let k = (x * std::f32::consts::LOG2_E + 0.5).floor();
    let r = x - k * LN2_HIGH - k * LN2_LOW;
    let power = COEFFICIENTS.iter().fold(0.0, |sum, coefficient| sum * r + coefficient);
    power * f32::from_bits(((k as i32 + 127) << 23) as u32)
}
