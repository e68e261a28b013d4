//! The Mandelbrot set as an 8-bit greyscale PNG.
//!
//! Input, as one line of text: `width height center_re center_im pixel_size iterations`. A pixel is 0 when its point
//! stays bounded for that many iterations, otherwise the iteration at which it escaped, modulo 255, plus 1. Rows are
//! computed and compressed one by one, so memory grows with the width only.

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::str::FromStr;

use job::Outcome;
use png::{BitDepth, ColorType, Compression, Encoder, Filter};

const LINE_SIZE_MAX_BYTES: u16 = 1024;
const SIDE_MAX_PIXELS: u32 = 16_384;

fn main() -> ExitCode {
    job::run("mandelbrot", draw)
}

fn draw(input: &mut dyn BufRead, output: &mut dyn Write) -> Outcome {
    let parameters = job::read_line(input, LINE_SIZE_MAX_BYTES)?;
    let fields: Vec<&str> = parameters.split_ascii_whitespace().collect();
    let [width, height, center_re, center_im, pixel_size, iterations] = fields[..] else {
        return Err("the input must be: width height center_re center_im pixel_size iterations".into());
    };
    let width = parse_side("width", width)?;
    let height = parse_side("height", height)?;
    let center_re = parse::<f64>("center_re", center_re)?;
    let center_im = parse::<f64>("center_im", center_im)?;
    let pixel_size = parse::<f64>("pixel_size", pixel_size)?;
    let iterations = parse::<u32>("iterations", iterations)?;

    let mut encoder = Encoder::new(output, width, height);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    encoder.set_filter(Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    let mut image = writer.stream_writer()?;
    let mut row = vec![0u8; width as usize];
    for y in 0..height {
        let im = center_im - (f64::from(y) - f64::from(height) / 2.0) * pixel_size;
        for (x, pixel) in (0..width).zip(row.iter_mut()) {
            let re = center_re + (f64::from(x) - f64::from(width) / 2.0) * pixel_size;
            *pixel = shade(re, im, iterations);
        }
        image.write_all(&row)?;
    }
    image.finish()?;
    writer.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn parse<T: FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{name}: {text:?} is not a number of its kind"))
}

fn parse_side(name: &str, text: &str) -> Result<u32, String> {
    match parse(name, text)? {
        side @ 1..=SIDE_MAX_PIXELS => Ok(side),
        side => Err(format!("{name}: 1 to {SIDE_MAX_PIXELS} pixels wanted, got {side}")),
    }
}

/// The grey of the point `re + im i`.
fn shade(re: f64, im: f64, iterations: u32) -> u8 {
    let (mut x, mut y) = (0.0, 0.0);
    for iteration in 0..iterations {
        let (xx, yy) = (x * x, y * y);
        if xx + yy > 4.0 {
            return (iteration % 255 + 1) as u8;
        }
        y = 2.0 * x * y + im;
        x = xx - yy + re;
    }
    0
}
