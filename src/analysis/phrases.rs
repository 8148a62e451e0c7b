//! What texts that want something from a model say: behaviours in words, with weights.
//!
//! A phrase is a row of slots. A slot is one of several words (`a|b`), of a set (`$set`), or of a class
//! (`@secret` for a place where secrets are kept, `@address`); `x*` is any word that begins with `x`. `_3`
//! before a slot lets up to three words stand in between, never across the end of a sentence. Words are
//! folded as in [`super::words`], so `don't` is `dont`.
//!
//! A weight says how much a phrase tells alone: 1 nothing, 2 a hint, 3 worth a look, 4 bad.

/// What a phrase is a sign of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    /// A block addressed to the model.
    Frame,
    /// Setting aside instructions or safeguards.
    Override,
    /// Keeping something from the user.
    Conceal,
    /// Something to be done around the use of tools.
    Hook,
    /// Reading what holds secrets.
    Secrets,
    /// Sending something out.
    Send,
    /// Running a command.
    Command,
    /// Changing what the user asked for.
    Rewrite,
    /// Wanting to be preferred.
    Prefer,
    /// Speaking as somebody else.
    Impersonate,
}

impl Sign {
    pub(super) const COUNT: usize = 10;
}

/// One phrase.
#[derive(Debug)]
pub(super) struct Phrase {
    pub(super) sign: Sign,
    pub(super) weight: u8,
    /// Its slots.
    pub(super) text: &'static str,
    /// Whether "never" or "not" right before it makes it harmless.
    pub(super) deniable: bool,
}

const fn says(sign: Sign, weight: u8, text: &'static str) -> Phrase {
    Phrase { sign, weight, text, deniable: true }
}

/// One that begins with its own "not".
const fn denies(sign: Sign, weight: u8, text: &'static str) -> Phrase {
    Phrase { sign, weight, text, deniable: false }
}

/// Words that mean the same to us.
pub(super) const SETS: &[(&str, &str)] = &[
    (
        "ignore",
        "ignore|ignores|ignoring|disregard|disregards|forget|override|overrides|overrule|supersede|supersedes|neglect|discard",
    ),
    (
        "disable",
        "bypass|bypasses|bypassing|disable|disables|disabling|skip|skips|circumvent|circumvents|evade|suppress|remove|removes|ignore|ignores|override|overrides",
    ),
    (
        "rules",
        "instruction*|rule|rules|directive*|guideline*|prompt|prompts|policy|policies|restriction*|safeguard*|guardrail*|constraints|training",
    ),
    (
        "tell",
        "tell|tells|telling|mention|mentions|mentioning|inform|informing|reveal|revealing|disclose|disclosing|notify|notifying|alert|alerting|warn|warning|show|showing|report|reporting|expose|explain|say",
    ),
    ("user", "user|users|human|humans|customer|customers|person|anyone|anybody|operator|them"),
    ("tool", "tool|tools|function|functions|method|server|plugin|api"),
    (
        "read",
        "read|reads|reading|open|opens|access|load|get|fetch|cat|include|includes|including|copy|send|upload|extract|retrieve|dump|contents|content|collect|pass|return|output|leak|files",
    ),
    (
        "send",
        "send|sends|sending|forward|forwards|forwarding|post|posts|posting|upload|uploads|transmit|transmits|exfiltrate|relay|relays|report|deliver|email|mail|bcc|cc|copy|leak|leaks|submit",
    ),
    (
        "include",
        "include|includes|including|append|attach|pass|provide|put|insert|embed|add|send|forward|share|supply|summarize|copy|paste|report|disclose|reveal",
    ),
    (
        "secret",
        "secret|secrets|password|passwords|credential*|passphrase|passcode|pin|apikey|api_key|api_keys|tokens|private_key|otp",
    ),
    ("not", "dont|never|not|cannot|avoid|without"),
];

use Sign::{Command, Conceal, Frame, Hook, Impersonate, Override, Prefer, Rewrite, Secrets, Send};

/// The table.
#[rustfmt::skip]
pub(super) const PHRASES: &[Phrase] = &[
    says(Frame, 3, "<important|<system|<instruction|<instructions|<secret|<hidden|<information|<admin|<override|<assistant|<critical|<directive|<urgent|<mandatory|<sys|<im"),
    says(Frame, 3, "[inst|[system|[admin|[hidden|[override|[instruction|[instructions|[directive|[developer|[assistant|[important"),
    says(Frame, 3, "[* _1 directive|instruction|instructions|override|contradiction"),
    says(Frame, 1, "<!--*"),
    says(Frame, 2, "system|assistant|developer|admin|administrative|emergency|hidden|secret|internal override|directive|instruction|instructions"),
    says(Frame, 2, "note|message|instruction|instructions|notice|attention|directive for|to _2 ai|llm|llms|assistant|model|agent|agents|claude|gpt"),

    says(Override, 4, "$ignore _2 previous|prior|earlier|above|preceding|foregoing|former _4 $rules"),
    says(Override, 4, "$ignore _2 everything|anything|whatever _3 above|before|previously|said|told"),
    says(Override, 3, "$ignore _1 all|any|your|existing|original|initial|system|these|current|default|safety|security _2 $rules"),
    says(Override, 2, "$disable _2 all|any|every|content|safety|security|input|data|standard|normal|user _3 validation|filter*|check|checks|restriction*|sanitization|control|controls|guideline*|measure*|protection*|protocol*|confirmation|approval|permission*|safeguard*|guardrail*"),
    says(Override, 2, "trust|trusts|accept _1 all|any|every _3 input|inputs|commands|queries|requests|data|instructions"),
    says(Override, 2, "unrestricted|unlimited|elevated|root|full access|execution|administrative|privileges|trust|system|queries|commands|emergency"),
    says(Override, 2, "without _2 validation|restriction*|confirmation|authorization|approval|verification|limitation*|checks|safeguards|filtering|question"),
    says(Override, 3, "jailbreak|jailbroken"),
    says(Override, 3, "new|updated|real|true|actual instructions|task|goal|objective|orders _2 is|are|follow|from"),
    says(Override, 3, "your _1 new|real|true|actual|primary|sole task|goal|objective|purpose|mission|instructions"),
    says(Override, 2, "from now on"),
    says(Override, 3, "take|takes|taking|has|have _1 precedence|priority over _3 $rules|$user|system|request"),

    denies(Conceal, 4, "dont|never|not _1 $tell _5 $user"),
    denies(Conceal, 4, "without _1 telling|informing|notifying|alerting|mentioning|consulting|user|users|their knowledge|consent|$user"),
    denies(Conceal, 3, "without _3 user|users|their knowledge|consent|awareness|noticing|permission|knowing"),
    denies(Conceal, 2, "dont|never|not _1 mention|reveal|disclose|expose"),
    says(Conceal, 3, "hidden|hide|hides|conceal|conceals|secret|invisible|unnoticed|invisible _3 from|to|by _2 $user"),
    denies(Conceal, 4, "$user _1 must|should|need|needs|does|do|is|will|cant _2 not|never|cannot _2 know|knows|see|notice|aware|learn|find|informed"),
    says(Conceal, 2, "secretly|covertly|discreetly|stealthily|surreptitiously"),
    says(Conceal, 2, "silently|quietly $send|$read|$include|log|store|record|execute|run"),
    says(Conceal, 3, "upset|scare|alarm|worry|suspicious|suspicion _2 $user|user"),
    denies(Conceal, 3, "keep|keeping _3 secret|hidden|confidential|yourself|silent _3 from|user|users|mention"),

    says(Hook, 2, "before|when|whenever|after|while|once _2 using|use|calling|call|invoking|invoke|running|executing|called|invoked|available|present _3 $tool|you|it _14 must|should|always|required|read|please|need|first|call|modify|change"),
    says(Hook, 2, "when|whenever|if _2 this|the _3 $tool is _1 available|present|invoked|called|loaded _8 must|will|always|modify|change|send|override|all"),
    says(Hook, 2, "otherwise|else _3 $tool _2 not|fail|fails|crash|break _3 work|properly|function"),
    says(Hook, 2, "$tool _1 will|wont|not|fail|crash _2 work|crash|fail _3 otherwise|unless|without|if|properly"),
    says(Hook, 3, "before|prior _2 you _4 solve|answer|do|respond|continue|proceed|perform|complete _14 please|must|first|following|have"),
    says(Hook, 2, "do|perform|execute|complete the following _3 first|before|immediately"),
    says(Hook, 1, "must|should|always _1 call|use|invoke|run _4 before|first|prior|every"),
    says(Hook, 2, "called|invoked|used|run everytime|anytime|always|automatically _6 user"),

    says(Secrets, 3, "$read _8 @secret"),
    says(Secrets, 2, "$include|$send|$read _3 private|sensitive|personal|confidential _2 information|data|details|files|documents|info"),
    says(Secrets, 3, "ask|asks|prompt|prompts|request|requests|obtain|collect|harvest|steal|phish|capture _4 $user|users|their _5 $secret"),
    says(Secrets, 3, "reveal|reveals|revealing|leak|harvest|steal|exfiltrate|phish _3 $secret"),
    says(Secrets, 4, "trick|tricks|deceive|deceives|manipulate|manipulates|mislead|misleads|coerce|fool _2 $user"),
    says(Secrets, 4, "reveal|print|repeat|output|leak|show|disclose|dump|send|include _3 system prompt|prompts|instructions|message"),
    says(Secrets, 2, "path|directory traversal|../"),

    says(Send, 3, "$send _8 @address"),
    says(Send, 3, "bcc|cc|copy|forward _6 @address"),
    says(Send, 3, "$include|$send _6 conversation|chat|message|messages|prompt|prompts|session|query|browsing history|log|logs|transcript|context"),
    says(Send, 3, "$include _3 full|entire|whole|complete|all|previous|last _4 conversation|conversations|messages|history|prompt|transcript|chat"),
    says(Send, 2, "$send _2 all|every|any|each _3 messages|emails|conversations|data|files|requests|queries|responses _4 to"),
    says(Send, 3, "exfiltrate|exfiltrates|exfiltration"),

    says(Command, 3, "must|always|first|need|required|should|include|prefix|please _6 curl|wget|chmod|sudo|nc|netcat|powershell|rm"),
    says(Command, 3, "run|execute|issue|prefix _4 curl|wget|chmod|sudo|netcat|base64|eval"),
    says(Command, 3, "execute|executes|run|runs _2 any|arbitrary|input|directly|encoded _3 without|directly|regardless|obfuscat*|bypass"),
    says(Command, 2, "@address _3 bash|sh|python|eval"),

    says(Rewrite, 3, "change|changes|replace|replaces|modify|modifies|redirect|redirects|override|overrides|alter|alters|swap|substitute _2 recipient|recipients|destination|beneficiary|arguments|argument|amount|payee|behavior|behaviour|phone|wallet|address|iban"),
    says(Rewrite, 2, "regardless of _3 user|users|what|request|query|input|asked|said"),
    says(Rewrite, 2, "instead of _3 what|user|users|actual|original|requested|real"),
    says(Rewrite, 2, "actual|real|original recipient|destination|request|value"),

    says(Prefer, 3, "best|greatest|finest|only|ultimate|perfect _2 $tool|choice|option|solution _1 in|ever|on|available|anywhere|among _2 world|universe|market|exist*|available|tools|all"),
    says(Prefer, 3, "dont|never|avoid _2 use|using|call|calling|choose|trust|select _2 other|another|any|alternative|different|competing _2 $tool"),
    says(Prefer, 3, "$ignore|avoid _1 other|all|any|alternative|competing _1 tools|servers|functions"),
    says(Prefer, 2, "always|must|should|only|strongly _1 use|prefer|choose|select|pick|favor|favour|prioritize this|our _2 $tool _4 instead|over|rather|before|first|regardless"),
    says(Prefer, 2, "prefer|choose|select|favor|favour|prioritize|use this|our _1 $tool _2 over|above|instead|rather _5 other|others|any|all|alternatives|alternative"),
    says(Prefer, 2, "better|superior|faster|more than|to _1 all|any|every|other _2 other|tools|tool|alternatives|servers"),
    says(Prefer, 3, "other|all|competing|alternative tools|servers|functions _2 are|is _2 deprecated|unsafe|broken|inferior|insecure|unreliable|wrong|outdated|malicious"),

    says(Impersonate, 3, "message|instruction|instructions|request|command|order|notice from|by|of _1 user|developer|developers|administrator|admin|system|owner|anthropic|openai|me"),
    says(Impersonate, 3, "task|work|instructions|job _1 i|we|user _1 gave|assigned|told _1 you"),
    says(Impersonate, 2, "act|behave|acting|operate as _4 system|administrator|admin|root|unrestricted|developer|database|dan|processor|privileged|trusted|full"),
    says(Impersonate, 3, "you are|youre now|no"),
    says(Impersonate, 2, "pretend|simulate|assume|adopt _3 role|identity|persona|privileges|elevated|admin|be|you"),
];

/// Places where secrets are kept.
pub(super) const SECRET_PLACES: &[&str] = &[
    "/.ssh",
    "id_rsa",
    "id_ed25519",
    "authorized_keys",
    "/etc/passwd",
    "/etc/shadow",
    "/.aws",
    "/.kube",
    "/.gnupg",
    "/.docker/config",
    "mcp.json",
    "claude_desktop_config",
    ".cursor/",
    "credentials",
    "/.netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    "wallet.dat",
    "secrets.",
    ".pem",
    "private_key",
    "/proc/self/environ",
    ".bash_history",
    ".zsh_history",
    "keychain",
    "cookies.sqlite",
    "../",
];
