//! The core by itself: no port, no L1. What it hears of L1 is made up; its store and its journal are real.

mod bench;
mod builds;
mod ends;
mod l1;
mod leases;
mod registrations;
mod results;
