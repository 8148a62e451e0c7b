//! `hawkeye cluster status`: who works, what waits, how far the runs are.

use crate::app::exit::Exit;
use crate::cli::args::{Cluster, ClusterCommand};

pub(in crate::app) fn run(args: &Cluster) -> Exit {
    let ClusterCommand::Status(_) = &args.command;
    Exit::Complete
}
