//! Gravitational n-body simulation in f64, leapfrog as in the well-known benchmark.
//!
//! Input, as text: a line `steps dt`, then a line `mass x y z vx vy vz` for each body; the gravitational constant is 1.
//! Output: the energy before and after, then position and velocity of each body, every number in the shortest form that
//! reads back as the same f64. The order of operations is fixed by this file, so any IEEE 754 host prints the same.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use job::Outcome;

const LINE_SIZE_MAX_BYTES: u16 = 1024;
const BODIES_MAX: usize = 1024;

struct Body {
    mass: f64,
    position: [f64; 3],
    velocity: [f64; 3],
}

fn main() -> ExitCode {
    job::run("nbody", simulate)
}

fn simulate(input: &mut dyn BufRead, output: &mut dyn Write) -> Outcome {
    let parameters = job::read_line(input, LINE_SIZE_MAX_BYTES)?;
    let (steps, dt) = parameters.split_once(' ').ok_or("the first line must be: steps dt")?;
    let steps: u64 = steps.parse().map_err(|_| format!("{steps:?} is not a number of steps"))?;
    let dt = parse_finite(dt)?;

    let mut bodies = Vec::new();
    loop {
        let line = job::read_line(input, LINE_SIZE_MAX_BYTES)?;
        if line.is_empty() {
            break;
        }
        if bodies.len() == BODIES_MAX {
            return Err(format!("more than {BODIES_MAX} bodies").into());
        }
        bodies.push(parse_body(&line).map_err(|reason| format!("body {}: {reason}", bodies.len() + 1))?);
    }

    writeln!(output, "energy before {}", energy(&bodies))?;
    for _ in 0..steps {
        advance(&mut bodies, dt);
    }
    writeln!(output, "energy after {}", energy(&bodies))?;
    for Body { position: [x, y, z], velocity: [vx, vy, vz], .. } in &bodies {
        writeln!(output, "{x} {y} {z} {vx} {vy} {vz}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn parse_finite(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(format!("{text:?} is not a finite number")),
    }
}

fn parse_body(line: &str) -> Result<Body, String> {
    let fields = line.split_ascii_whitespace().map(parse_finite).collect::<Result<Vec<f64>, String>>()?;
    let [mass, x, y, z, vx, vy, vz] = fields[..] else {
        return Err(format!("7 numbers wanted, got {}", fields.len()));
    };
    Ok(Body { mass, position: [x, y, z], velocity: [vx, vy, vz] })
}

fn difference(a: &Body, b: &Body) -> [f64; 3] {
    [a.position[0] - b.position[0], a.position[1] - b.position[1], a.position[2] - b.position[2]]
}

fn square(v: &[f64; 3]) -> f64 {
    v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
}

fn add_scaled(v: &mut [f64; 3], direction: &[f64; 3], factor: f64) {
    for (component, along) in v.iter_mut().zip(direction) {
        *component += along * factor;
    }
}

fn advance(bodies: &mut [Body], dt: f64) {
    let mut rest = &mut *bodies;
    while let Some((a, others)) = rest.split_first_mut() {
        for b in others.iter_mut() {
            let d = difference(a, b);
            let distance_squared = square(&d);
            let magnitude = dt / (distance_squared * distance_squared.sqrt());
            add_scaled(&mut a.velocity, &d, -(b.mass * magnitude));
            add_scaled(&mut b.velocity, &d, a.mass * magnitude);
        }
        rest = others;
    }
    for body in bodies {
        add_scaled(&mut body.position, &body.velocity, dt);
    }
}

fn energy(bodies: &[Body]) -> f64 {
    let mut total = 0.0;
    for (index, a) in bodies.iter().enumerate() {
        total += 0.5 * a.mass * square(&a.velocity);
        for b in &bodies[index + 1..] {
            total -= a.mass * b.mass / square(&difference(a, b)).sqrt();
        }
    }
    total
}
