//! One `carnet` program with the people who use it, and the requests of one round.

use super::{
    client::{Job, Transport},
    people::People,
    run::{Told, mixed, run},
    subject::{Carnet, Source},
};
use std::{path::Path, time::Duration};

/// A tenant takes a hundred user codes in a quarter of an hour, right ones too, counted by ten chance parts: so there
/// is one short round of devices, whose figure is a rough one.
const DEVICES: usize = 32;

/// More requests than can be redeemed in this time, where the ceiling signs so many tokens a second: two signatures
/// reach half of the ceiling at most.
pub fn enough(speed: f64, time: Duration) -> usize {
    (speed * time.as_secs_f64() * 0.6) as usize
}

/// A running program and its people.
pub struct Side {
    /// The program.
    pub carnet: Carnet,
    /// The people, signed in.
    pub people: People,
}

impl Side {
    /// Starts the program, and everybody signs in.
    pub async fn start(program: &Path) -> Self {
        let carnet = Carnet::start(program);
        let people = People::arrive(&carnet).await;
        Self { carnet, people }
    }

    /// The requests of one round, fresh where each serves once; `enough` is more than can be redeemed.
    pub async fn job(&mut self, source: &Source, enough: usize) -> Job {
        match source {
            Source::Job(job) => job.clone(),
            Source::Assertions => self.carnet.by_assertions(enough * 2),
            Source::Refresh => self.people.chains().await,
            Source::Codes => self.people.codes(enough).await,
            Source::Devices => self.people.devices(DEVICES).await,
        }
    }

    /// Runs a job, and divides the processor time among its requests.
    pub async fn measure(&self, job: Job, time: Duration) -> Told {
        let before = self.carnet.cpu();
        let told = run(job, time).await;
        let cpu = (self.carnet.cpu() - before).checked_div(u32::try_from(told.count).unwrap_or(1));
        Told { cpu, ..told }
    }

    /// The requests of a mixed round: of twenty requests of a connection one is a password login, the others redeem in
    /// turn a secret, a refresh token and a code.
    pub async fn mixture(&mut self, codes: usize) -> Mixture {
        let codes = self.people.codes(codes).await;
        let others = vec![self.carnet.job(Transport::Plain), self.people.chains().await, codes];
        Mixture { passwords: self.carnet.password_job(), others }
    }
}

/// The requests of a mixed round.
pub struct Mixture {
    passwords: Job,
    others: Vec<Job>,
}

/// What a mixed round told.
pub struct Mixed {
    /// The rate of all requests, and the 99th percentile of those that are no password login.
    pub all: Told,
    /// The password logins.
    pub passwords: Told,
}

impl Mixture {
    /// Runs the round.
    pub async fn run(self, time: Duration) -> Mixed {
        let (others, passwords) = mixed(self.passwords, self.others, time).await;
        let rate = others.rate + passwords.rate;
        Mixed { all: Told { rate, ..others }, passwords }
    }
}
