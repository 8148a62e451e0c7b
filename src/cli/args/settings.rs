//! What bench, diagnose and load-test have in common with scan: argh cannot take one struct into another.

/// A command's struct, with the options that say which settings hold, and `settings`, which makes a scan of them.
macro_rules! with_settings {
    ($(#[$meta:meta])* pub(crate) struct $name:ident { $($own:tt)* }) => {
        $(#[$meta])*
        pub(crate) struct $name {
            $($own)*

            /// seconds for one server in all, decimals allowed (default: 30)
            #[argh(option, arg_name = "seconds", from_str_fn(seconds))]
            pub timeout: Option<Duration>,

            /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
            #[argh(option, arg_name = "file")]
            pub config: Option<PathBuf>,

            /// the only protocol revision to speak, by date, or auto (default: auto)
            #[argh(option, arg_name = "date", from_str_fn(pin))]
            pub protocol_version: Option<Pin>,

            /// table or json (default: what the ending of --output says, else table)
            #[argh(option, arg_name = "format")]
            pub format: Option<Shown>,

            /// write the report to this file instead of standard output
            #[argh(option, arg_name = "file")]
            pub output: Option<PathBuf>,

            /// say more on stderr; -vv also tells each step
            #[argh(switch, short = 'v')]
            pub verbose: u8,

            /// say nothing on stderr but errors
            #[argh(switch, short = 'q')]
            pub quiet: bool,

            /// PEM file of the only certificate roots to trust
            #[argh(option, arg_name = "file")]
            pub ca_file: Option<PathBuf>,

            /// PEM file of our certificate; needs --client-key
            #[argh(option, arg_name = "file")]
            pub client_cert: Option<PathBuf>,

            /// PEM file of its key
            #[argh(option, arg_name = "file")]
            pub client_key: Option<PathBuf>,

            /// trust any certificate; dangerous
            #[argh(switch)]
            pub insecure: bool,
        }

        impl $name {
            /// A scan of no targets with these settings.
            fn settings(&self) -> Scan {
                Scan {
                    timeout: self.timeout,
                    config: self.config.clone(),
                    protocol_version: self.protocol_version,
                    verbose: self.verbose,
                    quiet: self.quiet,
                    ca_file: self.ca_file.clone(),
                    client_cert: self.client_cert.clone(),
                    client_key: self.client_key.clone(),
                    insecure: self.insecure,
                    ..Scan::default()
                }
            }
        }
    };
}

pub(super) use with_settings;
