//! Steps of a long command: each is announced, timed and, when it fails, named.

use std::time::Instant;

use anyhow::{Context, Result};

/// Counts the steps of one command.
pub struct Steps {
    total: usize,
    done: usize,
    started: Instant,
}

impl Steps {
    pub fn of(total: usize) -> Self {
        Self {
            total,
            done: 0,
            started: Instant::now(),
        }
    }

    /// Runs one step, saying its name before and its time after.
    pub fn step<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.done += 1;
        let place = format!("[{}/{}]", self.done, self.total);
        println!("\n{place} {name} …");
        let started = Instant::now();
        let result = work().with_context(|| format!("step {place} `{name}` failed"))?;
        println!(
            "{place} {name}: done in {:.1} s",
            started.elapsed().as_secs_f64()
        );
        Ok(result)
    }

    /// Says that all is done, and how long it took.
    pub fn finish(self, what: &str) {
        println!(
            "\n{what}: all {} steps done in {:.1} s",
            self.done,
            self.started.elapsed().as_secs_f64()
        );
    }
}
