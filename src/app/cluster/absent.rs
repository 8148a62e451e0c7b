//! What a build without the feature `cluster` says where it would be needed.

const ABSENT: &str = "this hawkeye was built without the cluster: cargo build --release --features cluster";

pub(super) mod worker {
    use crate::app::exit::Exit;
    use crate::app::say;
    use crate::cli::args::Worker;

    pub(in crate::app) fn run(_: &Worker) -> Exit {
        say(super::ABSENT);
        Exit::Usage
    }
}

pub(super) mod status {
    use crate::app::exit::Exit;
    use crate::app::say;
    use crate::cli::args::Cluster;

    pub(in crate::app) fn run(_: &Cluster) -> Exit {
        say(super::ABSENT);
        Exit::Usage
    }
}

pub(super) mod fleet {
    use std::convert::Infallible;

    use crate::app::scan::hands::Hands;
    use crate::config::Settings;
    use crate::model::run::{Tally, Vitals};
    use crate::model::target::Target;
    use crate::scan::Heard;
    use crate::sys::cancel::Cancel;

    /// There is none.
    pub(in crate::app) struct Fleet(Infallible);

    impl Fleet {
        pub(in crate::app) fn open(
            _: &Settings,
            _: &str,
            _: Option<&str>,
            _: &Cancel,
        ) -> Result<Fleet, String> {
            Err(format!("cluster.enabled: {}", super::ABSENT))
        }
    }

    impl Hands for Fleet {
        fn scan(&self, _: Vec<Target>, _: &mut dyn FnMut(Heard)) -> Tally {
            match self.0 {}
        }

        fn vitals(&self) -> Vitals {
            match self.0 {}
        }
    }
}
