//! Images by hand, as an enemy would write them: specs/vectors/images.json.
//!
//! Every image is run, all three ways, until it halts or for as many steps as the file says; how it ends is in the file.

use super::hostile_images;
use super::three::Three;

/// Runs all of them.
pub fn all(three: &mut Three) {
    for hostile in hostile_images::read() {
        let (name, mut image) = (&hostile.name, hostile.image());
        for step in 0..hostile.then.steps {
            assert!(step == 0 || image.record.is_running(), "{name} halted after {step} steps");
            three.step(&mut image, &format!("{name}, step {step}"));
        }
        let end = image.record;
        three.expect(end, hostile.then.wanted(end), name);
        // A halted machine is its own successor.
        if !end.is_running() {
            let after = three.step(&mut image, &format!("{name}, after its end"));
            three.expect(after, end, name);
        }
    }
}
