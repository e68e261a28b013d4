//! What the tests of several rooms feed to the machine, said once.
//!
//! Owns test data and how it is made from constants and seeds. It never calls the machine: what is expected of the data is
//! written down here or decided by the test that uses it.

pub mod hostile;
