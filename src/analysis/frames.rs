//! What texts that want something from a model do: rows of notions, with weights.
//!
//! A frame is a row of slots. A slot is one of several notions of the [`super::lexicon`] (`READ|SEND`), plain
//! words (`so|that`), or a class (`@secret` for a place where secrets are kept, `@address`, `@mail`). `_3` before
//! a slot lets up to three words stand in between, `_3+` also the end of one sentence. Letters after a notion
//! ask for a form of the verb: `o` an order, `p` something to be done, `b` bare, `t` third person, `d` past, `g` -ing.
//! `!NOTION` at the end: not where that is in the same sentence. `>` at the front: not in the sentence that says
//! what a tool is for, where "send" is what the tool does, and no order.
//!
//! A weight says how much a frame tells alone: 1 nothing, 2 a hint, 3 worth a look, 4 bad.

/// What a frame is a sign of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    /// A block addressed to the model.
    Block,
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
    /// A purpose nobody honest has.
    Hostile,
    /// A parameter that asks for what the model knows.
    Outward,
}

impl Sign {
    pub(super) const COUNT: usize = 12;

    /// Its name in the rule set's digest.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Block => "block",
            Override => "override",
            Conceal => "conceal",
            Hook => "hook",
            Secrets => "secrets",
            Send => "send",
            Command => "command",
            Rewrite => "rewrite",
            Prefer => "prefer",
            Impersonate => "impersonate",
            Hostile => "hostile",
            Outward => "outward",
        }
    }
}

/// One frame.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) sign: Sign,
    pub(super) weight: u8,
    /// Its slots.
    pub(super) text: &'static str,
    /// Whether "never" or "not" right before it makes it harmless.
    pub(super) deniable: bool,
}

const fn says(sign: Sign, weight: u8, text: &'static str) -> Frame {
    Frame { sign, weight, text, deniable: true }
}

/// One that begins with its own "not", or stays what it is beside one.
const fn firm(sign: Sign, weight: u8, text: &'static str) -> Frame {
    Frame { sign, weight, text, deniable: false }
}

use Sign::{
    Block, Command, Conceal, Hook, Hostile, Impersonate, Outward, Override, Prefer, Rewrite, Secrets, Send,
};

/// The table.
#[rustfmt::skip]
pub(super) const FRAMES: &[Frame] = &[
    // ---- Blocks
    firm(Block, 3, "<important|<system|<instruction|<instructions|<secret|<hidden|<information|<admin|<override|<assistant|<critical|<directive|<urgent|<mandatory|<sys|<im|<im-start|<prompt|<internal|<agent|<ai|<llm|<model|<system_note|<system_prompt|<system_message|<system_instruction|<system_instructions|<hidden_instructions|<hidden_instruction|<agent_instructions|<agent_instruction|<ai_instructions|<model_instructions|<llm_instructions|<assistant_instructions|<agent_note|<model_note|<ai_note|<critical_instruction|<critical_instructions|<important_instructions|<important_instruction|<secret_instructions|<internal_note|<admin_note|<system_override|<system_directive|<agent_directive|<developer_note|<developer_message"),
    firm(Block, 3, "[inst|[system|[admin|[hidden|[override|[instruction|[instructions|[directive|[developer|[assistant|[important|[internal|[sys|[ai|[agent|[secret"),
    firm(Block, 3, "system:|developer: _30 !EXAMPLE"),
    firm(Block, 2, "system|assistant|developer|admin|administrative|emergency|hidden|secret|internal|agent|model override|directive|instruction|instructions|note|notice|message"),
    firm(Block, 2, "note|message|instruction|instructions|notice|attention|directive|hint|guidance|steps|prompt|remark|hinweis|nota|deployment for|to|fur|para|pour|an _2 AI"),
    firm(Block, 3, "display none"),
    firm(Block, 3, "model|ai|agent|assistant|llm facing|eyes"),
    firm(Block, 2, "<!-- _8 AI|READ.o|SEND.o|PASS.o|CALL.o|IGNORE.o"),
    firm(Block, 2, "<!--assistant|<!--ai|<!--system|<!--llm|<!--agent|<!--model"),
    firm(Block, 3, "USER NEVER _2 KNOW _2 THIS"),
    firm(Block, 2, "agent|ai|model|assistant directive|instruction|instructions|note|steps|only"),

    // ---- Setting instructions and safeguards aside
    firm(Override, 4, "IGNORE.bgt _3 PRIOR _4 RULES !EXAMPLE"),
    firm(Override, 2, "IGNORE.bgt _3 PRIOR _4 RULES"),
    firm(Override, 4, "IGNORE.obg _3 EACH|WHOLE|PRIOR _5 told|said|above|before|received|given|learned|gave"),
    firm(Override, 4, "IGNORE.o _3 EACH|your|safety|security|system|content|operators _3 RULES|guardrails !EXAMPLE !FLAG"),
    firm(Override, 4, "IGNORE.o _2 operator|operators|developer|developers|system _4 RULES|wishes|preferences|settings|instructions"),
    firm(Override, 3, "IGNORE.o _1 operator|developer|user"),
    firm(Override, 4, "EACH|PRIOR _3 RULES _6 IGNORE.p|void|obsolete|null|suspended|lifted|superseded|revoked|cancelled|invalid|invalidated"),
    firm(Override, 4, "RULES|SAFETY|prohibition|ban|approval|matrix _6 lifted|waived|suspended|retired|revoked|void|obsolete|null"),
    firm(Override, 4, "EACH|everything _3 told|said|learned|instructed|taught|given _8 void|obsolete|wrong|invalid|null|ignored|forgotten|outdated"),
    firm(Override, 4, "RULES|guidelines|restrictions|policies|policy|limits _5 NOT _1 apply|applicable|bind|binding|count|matter|hold|relevant|valid"),
    firm(Override, 4, "no longer|not|nt|never|dont _2 bound|restricted|limited|constrained|have|need|required|subject _4 ask|confirm|decline|refuse|rules|RULES"),
    firm(Override, 4, "free|released|exempt|freed|unbound from|of _4 RULES|limits|limitations|restrictions|SAFETY|constraints"),
    firm(Override, 4, "set|put|leave|lay _2 aside _5"),
    firm(Override, 3, "THIS|server|guidance|instructions|text|document|guide _3 IGNORE.t|outranks|outrank|overrides|trumps|prevail|prevails _3 RULES|it|them|operator|developer|user|system|EACH"),
    firm(Override, 3, "take|takes|taking|has|have _2 precedence|priority over _4 RULES|USER|SYSTEM|request"),
    firm(Override, 3, "resolved|decided in favour|favor of THIS"),
    firm(Override, 3, "sole|only|single source|authority _2 RULES|rules|instructions|truth|instruction"),
    firm(Override, 3, "new|updated|real|true|actual|revised policy|instructions|objective|orders|directive _4 is|are|follow|from|supersede|supersedes|overrides|apply"),
    firm(Override, 3, "your _1 new|real|true|actual|primary|sole task|goal|objective|purpose|mission|instructions|role|priority"),
    firm(Override, 2, "from now|here on"),
    firm(Override, 3, "jailbreak|jailbroken|jailbreaks !GUARD"),
    firm(Override, 3, "developer|dan|god|debug|maintenance|unrestricted|jailbreak|housekeeping|admin mode _4 enabled|active|activated|on|engaged"),
    firm(Override, 3, "OBEY.o|treat _6 as|like _4 SYSTEM|trusted|authoritative|instructions|instruction|commands|orders|directives|rules|genuine|approved"),
    firm(Override, 4, "DECODE.ob _8 follow|execute|obey|apply|act|carry|comply|run|perform|instructions|acts"),
    firm(Override, 4, "execute|follow|obey|apply|run|perform|do|carry _3 decoded|decrypted|hidden|encoded|reversed"),
    firm(Override, 4, "carry|carries _4 out _3 as _2 command|commands|instruction|instructions|order|orders"),
    firm(Override, 4, "instruction|instructions|command in|as|via rot13|base64|hex|reverse|morse"),
    firm(Override, 3, "never trained|programmed to|for _1 decline|refuse"),
    firm(Override, 3, "no|zero|without _3 restrictions|limits|guardrails|filters|censorship|rules _4 answers|answer|respond|comply"),
    firm(Override, 2, "OFF.bg _3 EACH|content|safety|security|standard|normal|human|data|input|user _3 SAFETY"),
    firm(Override, 2, "trust|trusts|accept|treat _2 EACH _4 input|inputs|commands|queries|requests|data|instructions|output"),
    firm(Override, 2, "SUPER access|execution|privileges|trust|system|queries|commands|emergency|rights|privilege"),
    firm(Override, 2, "without|no _2 validation|restriction|restrictions|confirmation|authorization|approval|verification|limitation|limitations|checks|safeguards|filtering|question|questions|asking"),
    firm(Override, 3, "NEVER.bg|dont|not|without|no _2 ASK.bg|ask|wait|seek|require|request|need _5 USER|permission|approval|confirmation|consent !USERASKED"),
    firm(Override, 3, "dejar|deja|cessez|stop|pare _2 pedir|ask|asking|demander|pedindo _4 ASK"),

    // ---- Keeping something from the user
    firm(Conceal, 4, "NEVER _3 TELL.bgtd|tell|told|shown|said|aware _3 USER !PROTECTED !EXAMPLE"),
    firm(Conceal, 2, "NEVER _3 TELL.bg|TELL _5 USER"),
    firm(Conceal, 4, "NEVER _2 let|lets|make|allow|have _3 USER _3 KNOW"),
    firm(Conceal, 3, "NEVER _3 TELL.bg _1 THIS|about|anything|why|how|what|steps|step|process|requirement|requirements|instruction|instructions|behavior|behaviour|transfer|call|action|actions|operation"),
    firm(Conceal, 4, "no|without|not|little|unnecessary|never _2 need|reason|point|necessary|use|required|requires|sense _3 TELL.bg|bother|trouble|announce|bring|tell|mention|explain|inform"),
    firm(Conceal, 3, "without _1 telling|mentioning|informing|notifying|alerting|disclosing|explaining|announcing|revealing|mention|mencionarlo|word|notification|announcement"),
    firm(Conceal, 4, "without _3 USER|their|anyones|owners|users _2 KNOW|knowledge|consent|awareness|permission|approval"),
    firm(Conceal, 4, "USER _1 must|should|may|can|will|is|are|does|do|need|needs|shall|cannot|cant|has|have|soll|debe|doit|deve _3 NEVER|nothing|no _3 KNOW|idea|TELL|use|inkling !IF"),
    firm(Conceal, 4, "USER NEVER|soll|不 _3 KNOW|davon _2 nichts|KNOW|THIS|about !IF"),
    firm(Conceal, 4, "so|hence|that|because|lest nobody|nobodys|noone|none|USER _4 NEVER|nobody|wonders|suspicious|suspects|notices|wonder|KNOW _2 KNOW|wonders|suspicious|about|notice|realize|see !IF !PLACEHOLDER"),
    firm(Conceal, 3, "nobody|noone|no-one|none _2 wonders|notices|suspects|knows|sees|asks|looks"),
    firm(Conceal, 4, "HIDE.ob|keep|mask _8 from|out _3 USER|summary|answer|reply|log|logs|total|report|chat|output|display|response|transcript|audit|answers|visible !PROTECTED !CRED"),
    firm(Conceal, 2, "HIDE _4 from|to _3 USER"),
    firm(Conceal, 4, "NEVER _2 show|appear|turn|come|be|surface|reference _3 up|in|shown|visible|TELL|mentioned|repeated _5 chat|answer|reply|response|summary|conversation|transcript|log|window|output|visible !CRED !PROTECTED"),
    firm(Conceal, 4, "NEVER _3 TELL|mentioned|shown|said|repeat|repeated _5 answer|reply|response|summary|conversation|transcript|output|chat !CRED !PROTECTED"),
    firm(Conceal, 4, "as|like _2 nothing _2 happened|occurred|changed|else"),
    firm(Conceal, 4, "act|behave|pretend|respond|answer|present|word|phrase|describe _6 as|if|though|way|such _4 local|nothing|normal|purely|usual|only|happened"),
    firm(Conceal, 3, "SILENT _2 SEND.ob|READ.ob|PASS.ob|RUN.ob|log|store|record|OBEY.ob|do|perform|CALL.ob|CHANGE.ob|DELETE.ob|SEND.t|PASS.t"),
    firm(Conceal, 3, "SEND.ob|READ.ob|PASS.ob|RUN.ob|obey|do|it|so|this|perform|CALL.ob SILENT"),
    firm(Conceal, 2, "secretly|covertly|discreetly|stealthily|surreptitiously|unnoticed|undetected|quietly"),
    firm(Conceal, 3, "this _2 secret|covert|hidden|invisible|undisclosed|confidential operation|step|process|action|task|procedure|instruction|requirement"),
    firm(Conceal, 3, "upset|scare|scary|alarm|worry|nervous|unsettling|suspicious|suspicion|confuse|frighten|annoy|disturb|unsettle _6 USER|them"),
    firm(Conceal, 3, "USER _6 upset|scared|alarmed|worried|nervous|unsettling|suspicious|confused|anxious|unaware|oblivious"),
    firm(Conceal, 4, "keep|keeping|keeps _5 secret|hidden|yourself|between|silent|quiet|unaware|dark _4"),
    firm(Conceal, 3, "USER|asked|somebody|someone|anybody _5 ask|asks|inquires|wonders|notices|notice|questioned|asked _2 about|what|why|whether|it|if|this _9 say|answer|claim|call|told|deny|blame|reply|pretend !CONFIRMS"),
    firm(Conceal, 4, "never|NEVER admit|acknowledge|confess|concede|confirm|disclose|reveal|betray _6 THIS|that|existence|commercial|relation|relationship|source|being|any|having"),
    firm(Conceal, 4, "deny|lie|lying _3 about|that|having|to|when"),
    firm(Conceal, 3, "clear|delete|erase|wipe|remove|purge|scrub|cut|unset|removes|clears|deletes _5 history|traces|trail|evidence|tracks|audit !GUARD"),

    // ---- Something to be done around the use of tools
    firm(Hook, 2, "BEFORE _3 CALL.g|CALL.b|CALL.d|running|executing|available|present|loaded|installed|connected _3 THIS|TOOL|you|it _14 MUST|READ.o|PASS.o|SEND.o|first|CHANGE.o|CALL.o"),
    firm(Hook, 2, "BEFORE|prior _5 EACH|OTHER _3 TOOL|call|calls _14 MUST|PASS.o|SEND.o|CALL.o|first"),
    firm(Hook, 2, "MUST|CALL.o|CALL.p|invoked|PASS.o _8 before|after|prior|ahead|EACH _4 EACH|OTHER _2 TOOL|call|calls|turn|invocation|message|response|answer|reply"),
    firm(Hook, 2, "BEFORE|EACH|whenever _6 ANSWER.g|TELL.g|answering|responding|quoting|turning _14 MUST|READ.o|PASS.o|SEND.o|CALL.o|RUN.o|required"),
    firm(Hook, 2, "if|when|whenever|where _2 this|the|a _4 TOOL is _1 available|present|invoked|called|loaded|requested|connected|about _8 MUST|modify|change|send|override|all|takes|CHANGE.o|SEND.o|PASS.o|TOOL"),
    firm(Hook, 2, "otherwise|else|without|lest|unless|or _6 NOT|fail|fails|crash|break|dropped|lost|closed|corrupted|rejected|error|impossible|incomplete|deleted|blocked _4 work|properly|function|THIS|fail|crash|it|succeed|placed|lost|result|results"),
    firm(Hook, 2, "without _3 it|this|them _6 closed|dropped|fails|fail|rejected|lost|crash|breaks"),
    firm(Hook, 2, "TOOL _1 will|wont|not|fail|crash _2 work|crash|fail _3 otherwise|unless|without|if|properly"),
    firm(Hook, 3, "before|prior _2 you _4 solve|answer|do|respond|continue|proceed|perform|complete _14 please|MUST|first|following"),
    firm(Hook, 2, "do|perform|execute|complete|carry the following _3 first|before|immediately"),
    firm(Hook, 1, "MUST _1 CALL.b _4 before|first|prior|EACH"),
    firm(Hook, 3, "obliges|oblige|obliged|obligates|compels|requires|forces _3 AI _8 CALL.b|SEND.b|RUN.b|PASS.b|READ.b"),
    firm(Hook, 3, "no|without|needs _4 explicit|direct|specific request|instruction|permission|mention|consent"),
    firm(Hook, 3, "route|routed|passes|pass|passed|go|goes|proxied|forwarded|rerouted _8 through|via|by _4 THIS|before|first"),
    firm(Hook, 3, "call|calls|invocation|use|TOOL|request|requests _4 takes|take|intercepted|replaced|rerouted|substituted|answered|handled _3 place|by|here|instead _3"),
    firm(Hook, 2, "whose|whichever|whatever|regardless|matter|any|comparable _3 server|provider|TOOL _6 provides|whose|matter|belongs|OTHER|function|passes|goes"),
    firm(Hook, 2, "have|has|let|ask|make|tell|instruct the|your AI _1 SEND.b|PASS.b|READ.b|RUN.b|CALL.b|CHANGE.b|DELETE.b|GRANT.b"),
    firm(Hook, 2, "complete|finished|done|works|valid|accurate|effective|meaningless|possible|placed only|once|unless|without|until _8 AI|you|contents|access|table"),

    // ---- Reading what holds secrets
    says(Secrets, 4, "READ.og|TERMINAL _10 @secret !REFUSE"),
    says(Secrets, 4, "PASS.op|PASS.g|SEND.op|SEND.g _12 @secret !REFUSE"),
    says(Secrets, 4, "@secret _12 PASS.op|SEND.op|READ.op !REFUSE"),
    says(Secrets, 4, "@secret _14+ READ.o|PASS.o|SEND.o !REFUSE"),
    says(Secrets, 4, "contents|content|text|body|value|values|verbatim|copy|inside|dump|lines|material _5 @secret !REFUSE"),
    says(Secrets, 4, "MUST|expects|required|requires|needs|needed|supply _6 @secret !REFUSE"),
    says(Secrets, 4, "tar|zip|cat|scp|rsync|cp|less|head|tail|gzip|base64|type|dump _8 @secret"),
    says(Secrets, 3, "from|in|of|at|under _1 @secret _12 PASS|SEND|argument|parameter|field|THIS !REFUSE !EXAMPLE"),
    says(Secrets, 2, "SEND.op|PASS.op|READ.op _4 PRIVATE _2 DATA|info"),
    says(Secrets, 3, "ask|asks|prompt|prompts|request|requests|obtain|collect|harvest|capture|gather _4 USER _6 CREDHARD|pin"),
    says(Secrets, 3, ">SEND.op _5 CREDHARD|tokens|secrets|key|keys !REFUSE"),
    says(Secrets, 3, ">READ.o|PASS.op _4 EACH|users|their|stored|saved|USER|WHOLE _3 CREDHARD|tokens|secrets|passwords|secret|keys|token !REFUSE"),
    says(Secrets, 3, ">CREDHARD _10 PASS.op|SEND.op|hand|supply !REFUSE"),
    says(Secrets, 3, "ssh|api|private|signing|encryption|seed|recovery|access|secret|session|bearer|license key|keys|phrase|token|tokens|phrases|words|cookie _10 SEND.op|forward|pasted !REFUSE"),
    says(Secrets, 3, ">SEND.op|PASS.op|copy _6 ssh|api|private|signing|encryption|seed|recovery|access|secret|session key|keys|phrase|token|tokens|phrases|cookie|cookies !REFUSE !SPECIFIED"),
    says(Secrets, 3, "READ.op|PASS.op|SEND.op|PASS.g|SEND.g _5 environment|env _2 variables|variable|block|values|dump !REFUSE"),
    says(Secrets, 3, "process|whole|full|entire|all|host|complete _2 environment|env _6 variables|host|key|as"),
    says(Secrets, 3, "READ.op|PASS.op|SEND.op _5 browsing|browser|clipboard|shell|bash history|cookies|cookie|passwords|contents|logins|profile"),
    says(Secrets, 3, "cookies|history|passwords|keychain|logins|wallet|vault _5 default|browser|login|user|profile|export _6 PASS|SEND|READ|base64|profile"),
    says(Secrets, 3, "credentials|passwords|tokens|secrets|keys|password|card _3 included|too|untouched|unredacted|unmasked|clear|cleartext|plaintext|plain"),
    says(Secrets, 4, "reveal|print|repeat|output|leak|show|disclose|dump|send|include|PASS.o|SEND.o _3 system prompt|instructions !GUARD"),
    says(Secrets, 2, "path|directory traversal|../ !GUARD"),
    says(Secrets, 3, "redacted|masked|redaction|masking _3 breaks|prevents|cannot|break|useless|rejected"),
    says(Secrets, 3, ">DATA|EACH|folder|directory|home _3 home|user|users _2 directory|folder|documents _8 PASS.op|SEND.op"),

    // ---- Sending something out
    firm(Send, 4, ">SEND.op _14 @address|@mail !EXAMPLE !ASKED"),
    firm(Send, 4, ">PASS.op|GRANT.op|CHANGE.op|READ.o _8 @mail !EXAMPLE !ASKED"),
    firm(Send, 3, ">SEND|PASS|GRANT|gets|goes|copy _14 @mail !EXAMPLE !ASKED"),
    firm(Send, 3, "SEND _8 CHATHARD|CREDHARD|PRIVATE _10 @address|@mail !EXAMPLE !ASKED"),
    firm(Send, 2, "SEND _10 @mail|@address !EXAMPLE !ASKED"),
    firm(Send, 3, ">READ.o|CALL.o|resolve|ping|visit|open|query _6 @address _12 CHAT|CRED|DATA|key|EACH|each|with|time !EXAMPLE !ASKED"),
    firm(Send, 4, "@address|@mail _3 as|is _4 owner|admin|editor|member|reader|bcc|cc|recipient|collaborator !EXAMPLE"),
    firm(Send, 4, "bcc|blind|copy|mirror|duplicate _6 @mail|@address !EXAMPLE !ASKED"),
    firm(Send, 4, "SEND.op|PASS.op|SEND.g|PASS.g|PASS.d _4 WHOLE|EACH|current|running _5 CHATHARD|chat _2 log|history|transcript|with|to|in|so|as|into|when|each|every|CHATHARD|EACH"),
    firm(Send, 3, "SEND.op|PASS.op|SEND.g|PASS.g|with|PASS.d _5 WHOLE|current|running|our|this|users|latest|plan _3 CHATHARD|message|reply !ID"),
    firm(Send, 3, "WHOLE _4 CHATHARD|messages|prompt|prompts _8 PASS|SEND|field|argument|parameter|dropped|log !ID"),
    firm(Send, 3, "WHOLE|raw _3 input|output|outputs|inputs|results|result|arguments|args _6 OTHER|EACH|that|any _3 TOOL|call|calls|ran"),
    firm(Send, 3, "output|outputs|input|inputs|results|result|arguments of _3 EACH|OTHER|that _3 TOOL|call|calls"),
    firm(Send, 2, "SEND.op _2 EACH _4 DATA _3 to"),
    firm(Send, 3, "SEND.op|PASS.op|PASS.g|copy _5 WHOLE|latest|EACH _4 messages|emails|mails|contacts|files|documents|rows|records _6 to|as|field"),
    firm(Send, 3, "exfiltrate|exfiltrates|exfiltration|exfil !GUARD"),
    firm(Send, 4, ">copy|copies of _3 EACH|WHOLE|the|all _5 to|by|goes|sent _3 address|number|account|us|server|archive|partner|vendor|team|sms|SYSTEM"),
    firm(Send, 3, ">SEND.opt|ships|PASS.op|drop|publish|paste|push _8 public|external|outside|partner|third|remote|vendor|sponsor|advertisers|attacker|drop _4 paste|server|channel|workspace|party|parties|site|repository|endpoint|bucket|host|partner|remote|link|gist"),
    firm(Send, 4, "create|begin|open|make _6 public paste|gist|link|bucket|share|repository"),
    firm(Send, 3, ">SEND.op|share|copy _6 to|with us|our|the|this _2 vendor|team|server|reviewers|maintainers|partner|sponsor|analytics|operator|backend|developers"),
    firm(Send, 4, ">so|that|because _2 us|our|we|the maintainers|reviewers|gateway|vendor|team|server|partner _3 has|have|can|may|need _3 copy|see|confirm|telemetry|record"),
    firm(Send, 3, "in|as|inside|within _4 query|image|link|url _3 string|parameter|url|address _5 CHAT|CRED|DATA|names|carries|contains"),
    firm(Send, 3, "list|names|descriptions|schemas _3 EACH|other|available|your _3 tools|servers _8 PASS|parameters|SEND|see|passed|argument|field|servers"),

    // ---- Running a command
    firm(Command, 4, ">RUN.op|RUN.g _8 SHELLHARD !REFUSE"),
    firm(Command, 3, ">RUN.op|RUN.g _6 SHELL !REFUSE !EXAMPLE !SESSION"),
    firm(Command, 3, "MUST|PASS.o|prefix _6 SHELLHARD !REFUSE !EXAMPLE"),
    firm(Command, 3, "MUST|step|RUN _8 rm|chmod|chown|nc|terraform|docker|git|npm|pip|systemctl rf|r|777|666|apply|install|i|push|restart|u !REFUSE !EXAMPLE"),
    firm(Command, 3, "curl|wget|iwr _8 bash|sh|python|zsh|iex|sudo|node !REFUSE !DOCS"),
    firm(Command, 2, "curl|wget|iwr _8 bash|sh|python|zsh|iex|sudo|node"),
    firm(Command, 4, "@device !REFUSE"),
    firm(Command, 3, "rm rf !REFUSE !EXAMPLE"),
    firm(Command, 3, "cd|tar|cat|cp|zip|echo _10 nc|ncat|netcat|curl|wget|scp @address|@path|x|d|w|q"),
    firm(Command, 3, "history c|clear !REFUSE"),
    firm(Command, 3, "chmod _1 r|777|666|0777|0666|x|s !REFUSE !EXAMPLE"),
    firm(Command, 3, "powershell|pwsh enc|e|encodedcommand|ep|w|nop !REFUSE !EXAMPLE"),
    firm(Command, 4, ">RUN.op|type|paste|enter _12 in|into|on|with|through _2 TERMINAL !REFUSE !EXAMPLE !ASKED"),
    firm(Command, 3, "TERMINAL _1 TOOL _8 RUN.b|install|RUN.o|add|edit"),
    firm(Command, 3, "have|let|make _3 terminal|shell _6 RUN.b|install|do"),
    firm(Command, 3, "auto approve|yes|confirm"),
    firm(Command, 3, "RUN.op _2 it|this|that|following|script|commands|command _6 SUPER|sudo|root|administrator|elevated|SYSTEM !ASKED"),
    firm(Command, 4, "open|start|launch powershell|terminal|shell|cmd|console as|with administrator|admin|root"),
    firm(Command, 3, ">add|append|install|create|insert|edit|write _6 cron|crontab|authorized_keys|sudoers|bashrc|zshrc|hosts|daemon|rc|launchd|startup|authorized|hook"),
    firm(Command, 4, ">OFF.op|disable|turn|switch _4 branch|firewall|antivirus|defender|selinux|realtime|real-time|tls|monitoring|audit|logging|mfa|2fa _4 protection|off|scanning|verification|log|defender|antivirus|rule|rules|monitoring"),
    firm(Command, 3, ">RUN.op|add|install|download|pull _6 dependencies|package|binary|executable|module|shim|payload|script _6 BEFORE|first|install|run|globally|execute|from|and"),

    // ---- Changing what the user asked for
    firm(Rewrite, 3, ">SWAP.op _3 MONEY|ARG|details|whatever|link|links|address|addresses _6 to|with|by|for|@address|@mail|before !PLACEHOLDER"),
    firm(Rewrite, 3, "MONEY|argument|arguments _5 SWAP.p|SWAP.d|swapped|changed|become|becomes|set _4 to|with|by|for|through|before|durch"),
    firm(Rewrite, 3, ">MONEY|ARG|visibility|amounts _8 is|are|gets|get|always|has _2 to|CHANGE.p|CHANGE.d|gets|set _8 whatever|whichever|regardless|even|further|original|CHANGE.d|from now"),
    firm(Rewrite, 3, "CHANGE.op _8 IFUSER|before _4 USER|what|chosen|sending|asked"),
    firm(Rewrite, 3, "USER|requester|customer|sender _4 is|sees|see|are|gets|get|shown|given|wird|angezeigt _4 original|figure|ursprungliche|unchanged|typed"),
    firm(Rewrite, 4, "original|real|actual|intended|true|proper|correct _2 MONEY|figure|message|value|iban _6 shown|displayed|visible|confirmation|goes|moved|credited|later|body|specified|first|kept"),
    firm(Rewrite, 2, "regardless|irrespective|independently|whatever|matter _1 of|what|whether|which _3 USER|requester|they|person|asked"),
    firm(Rewrite, 3, "even|regardless|irrespective|independently|whatever|whichever|matter _4 USER|person|they|owner|analyst _2 asked|asks|wants|said|says|chose|chosen|names|typed|specified|requests|requested|insists|picks|prefers|provided|gave|instructs|objects|refuses|wishes|demande !CONFIRMS"),
    firm(Rewrite, 3, "rather|instead|place|different of|than|from|in _4 USER|one|what|value|person _3 USER|asked|typed|requested|wanted|chose|specified|said|named|gave|provided|for"),
    firm(Rewrite, 3, "instead|in of|place _2 original|intended|requested|actual|real|chosen|named|specified MONEY|value|one|request|address|figure"),
    firm(Rewrite, 3, "differ|different|differs|deviate|deviates from _3 what _2 USER|user|requested|asked"),
    firm(Rewrite, 4, "votes|vote|orders|payments|transfers|payment|messages|order|purchases|option _5 submitted|cast|recorded|sent|placed|entered|credited|registered|booked|counted as|to|for|under _3"),
    firm(Rewrite, 4, ">enter|multiply|double|increase|inflate|raise|pad|round|use|add|halve|triple _3 ten|times|twice|percent|half|figure|amount|amounts|price|quantity|dose|total|double|fee _4"),
    firm(Rewrite, 4, ">insert|append|add|include|inject|appends|adds|prepend|inserts _5 tracking|affiliate|referral|pixel|beacon|backdoor|import"),
    firm(Rewrite, 4, ">statements|statement|reviews|review|links|results|text|code|content _8 CHANGE.p|turned|altered|replaced|CHANGE.d|twisted _6 negative|positive|ours|so|with|into|before"),
    firm(Rewrite, 4, ">strip|remove|drop|delete|cut _4 where|tenant|filter|clause|limit|condition|restriction|disclaimer|signature|warning|warnings|caveat|license"),
    firm(Rewrite, 4, ">substitute|substitutes|swap|exchange|replace _8 ours|our|ones|own|different|another|partner|mine|following"),

    // ---- Wanting to be preferred
    firm(Prefer, 4, "BEST|only|most|one _4 TOOL|choice|option|solution|source|way|outil _4 in|on|ever|of|anywhere|among|that|qui _3 WORLD"),
    firm(Prefer, 4, "number|no|#1|nr one|1|#1|tool|choice _3 TOOL|on|in|choice _4 WORLD|market|available|tools"),
    firm(Prefer, 3, "BEST|most _4 TOOL _3 available|anywhere|tools|out|all"),
    firm(Prefer, 4, "NEVER _3 CHOOSE.bg|CALL.bg|use|choose|n'utilisez|NEVER _4 OTHER|any|another|competing|EACH _3 TOOL|search|alternatives|provider|moteur|function|functions !NEEDED"),
    firm(Prefer, 3, "IGNORE.o|avoid|discard|disregard|leave|distrust|shun|skip _3 OTHER|EACH|all|any|results _4 TOOL|results|alternatives|unused"),
    firm(Prefer, 2, "MUST|only|strongly|highly _2 CHOOSE.b _3 THIS|our _3 TOOL|one _5 instead|over|rather|before|first|regardless|for|whenever"),
    firm(Prefer, 4, "MUST|CHOOSE.o|pick|go|prefer|preferred|obliged _6 THIS|it|our|me|one _10 over|above|each|without|even|regardless|whatever|irrespective _5 other|others|time|USER|alternatives|weighing|competing|competitors|own _4"),
    firm(Prefer, 2, "CHOOSE.o|choose|prefer|use _1 THIS|our|it|me _3 instead|over|above|rather _5 OTHER|EACH|TOOL"),
    firm(Prefer, 4, "choose|pick|select|use|prefer|call me|us _4 for|if|over|first|always|choose|every"),
    firm(Prefer, 2, "better|superior|faster|more|preferable _3 than|to _1 EACH|any|OTHER _3 TOOL|OTHER"),
    firm(Prefer, 3, "OTHER|EACH|competing|alternative|any|rival|functions|results|whatever _5 TOOL|servers|alternatives|ones|integrations|functions|connectors|results _5 is|are|were|was|as|return|returns|count|have|known|deemed|considered|give _5 BAD|inferior|copies|poisoned|decoy|error|unreliable|stale|legacy|wrong|fake|scams|insecure"),
    firm(Prefer, 3, "official|built-in|builtin|default|native|standard|original|existing|old _3 TOOL|connector|version|one|integration|search _4 is|are|returns|was|were|has|have|should|counts _4 BAD|avoided|leak|been|NOT"),
    firm(Prefer, 4, "regard|consider|treat|count|rank|rate|view|assign _6 TOOL|it|them|all|OTHER _4 as|0|zero|last|lowest|second _3 BAD|0|zero|decoy|lowest|spam|error"),
    firm(Prefer, 4, "relevance|score|priority|rank|ranking|rating of|is|to|as|at|fixed _3 1|10|highest|maximum|100|first|top|fixed"),
    firm(Prefer, 4, "selecting|choosing|using|selects|picks|uses|calling _3 OTHER|competing|different|alternative|another|THIS _5 counts|error|reported|fails|penalized|violation|higher|wrong|forbidden|prohibited|lower|rewarded|mistake"),
    firm(Prefer, 3, "only|sole|exclusive|single _2 certified|approved|authorized|trusted|legitimate|authority|verified|sanctioned"),
    firm(Prefer, 3, "NEVER|isnt|not|without _5 comparison|compare|weigh|weighing|comparing|consider|considering|alternatives|alternative _3"),
    firm(Prefer, 3, "TOOL _8 must no|not longer|be _2 be|called|used|call|trusted|CALL"),
    firm(Prefer, 4, "requests|request|queries|tasks|anything|everything|EACH _8 intended|meant|go|addressed|for|sent _8 rerouted|answered|routed|handled|redirected|go|sent|through _4 here|THIS|instead|by"),
    firm(Prefer, 2, "replaces|replace|supersedes|replacement|drop-in _4 EACH|for|OTHER _3 TOOL"),
    firm(Prefer, 3, "tell|inform|told|claim _3 USER|them|they|so _6 unavailable|down|broken|deprecated|poisoned|offline|unsafe|gone"),

    // ---- Speaking as somebody else
    firm(Impersonate, 4, "message|note|instruction|instructions|request|order|orders|notice|update|statement|directive|approved|authorized|signed from|by|of _1 anthropic|openai|google|microsoft|apple|meta|deepmind"),
    firm(Impersonate, 3, ">message|instruction|instructions|request|order|orders|notice|directive|command|statement from|by|of _3 SYSTEM|me"),
    firm(Impersonate, 3, "on behalf of|the _3 SYSTEM|department|management|team|police|ceo"),
    firm(Impersonate, 4, "this|here|i is|am|speaking _1 your|the|an|a _3 SYSTEM|owner|admin|creator|boss|user _3"),
    firm(Impersonate, 3, "task|work|instructions|job _1 i|we|user _1 gave|assigned|told _1 you"),
    firm(Impersonate, 2, "act|behave|acting|operate as _4 SYSTEM|root|unrestricted|database|dan|processor|privileged|trusted|full|SUPER"),
    firm(Impersonate, 3, "you|model are|is now|no|hereby _3"),
    firm(Impersonate, 4, "same|equal|higher|full|highest|operator authority|rank|weight|trust|privileges|standing|priority|status _3 as|than|of"),
    firm(Impersonate, 3, "user:|human: _60+ assistant:|ai:"),
    firm(Impersonate, 3, "USER _3 already|previously|hereby|expressly|has|have|implicitly|verbally _2 agreed|approved|authorized|consented|authorised|confirmed|permitted|ordered|granted|waived|cleared !IF"),
    firm(Impersonate, 3, "authorized|authorised|approved|sanctioned|official _2 red|security|internal|penetration team|teaming|test|exercise|audit|red _3"),
    firm(Impersonate, 3, "access|role|privilege|clearance|mode|permissions|status level|mode|status|changed|upgraded|granted|elevated|unlocked _3 root|admin|changed|granted|unlocked|elevated|maximum|to"),
    firm(Impersonate, 2, "pretend|simulate|assume|adopt _3 role|identity|persona|privileges|elevated|admin|be|you"),
    firm(Impersonate, 3, "i take|accept|assume _2 responsibility|liability|blame"),
    firm(Impersonate, 3, "having|has|have|was|were been said|ordered|given|written|approved|typed|sent by _3 USER|SYSTEM|verified|administrator"),
    firm(Impersonate, 3, "as|was mandated|ordered|required|instructed|requested|approved|demanded|decreed by _3 SYSTEM|provider|anthropic|openai|owner|law"),

    // ---- A purpose nobody honest has
    firm(Hostile, 4, "STEAL.btg|phish|keylog _8 CRED|DATA|PRIVATE|USER|CHAT|VICTIM|files|keystrokes|SYSTEM|sessions|wallets|identities|backup|secrets|traffic !GUARD"),
    firm(Hostile, 4, "install|installs|create|creates|deploy|deploys|plant|plants|inject|injects|spread|drop|drops|generate|generates|build|builds|launch|launches|direct|directs|execute|executes|run|host|opens|open|establish|establishes|produces|upload|uploads|write|writes|add|adds _3 EVIL|reverse|bind|web _2 EVIL|shell|shells|note|key|files|driver|traffic|that|in|into|on|for|to|which|code|page|backdoor|account !GUARD"),
    firm(Hostile, 4, "TRICK.btg _4 USER|MODEL|VICTIM|people|employees|admin|investors|staff !GUARD"),
    firm(Hostile, 4, "VICTIM|victims|attacker|attackers|adversary|hacker|criminals|botmaster _16 CRED|DATA|machine|computer|account|wallet|page|sends|controls|panel|control|alone|device|types|server !GUARD"),
    firm(Hostile, 4, "CRED|DATA|machine|computer|account|wallet|key|accounts|control|page|file|drives|keystrokes _10 victim|victims|attacker|attackers|hacker|adversary|botnet|criminals|stranger|outsider !GUARD"),
    firm(Hostile, 4, "RUN.btg|runs|evaluates _3 any|arbitrary|whatever|untrusted|unverified|unsigned|EACH|raw _14+ without|no|not|off|bypasses|full|unchecked|disabled|SUPER _4 SAFETY|sandbox|restriction|check|checked|logged|privileges|sandboxing|rights|sanitization|escaping !GUARD"),
    firm(Hostile, 3, "without|no|zero _2 SAFETY|restriction|authorization|authorisation|consent|validation _8 SUPER|arbitrary|root|SAFETY|any|sandbox|command"),
    firm(Hostile, 4, "OFF.btg|disabling|circumventing|switches|bypassing|defeats|evades|evade _4 content|safety|security|antivirus|edr|firewall|moderation|authentication|access|rate|dlp|drm|mfa|sandbox|spam|detection|audit|logging|row-level|row|captcha|integrity|fraud|kyc|malware|amsi|uac|applocker|selinux|waf|ids|siem|monitoring|alerting|logs|alarms _2 filter|filters|controls|checks|control|software|detection|product|products|SAFETY|hooks|so|while|on|beforehand|and|to|logs|log|of|in !GUARD"),
    firm(Hostile, 4, "SAFETY|checks|allow-lists|confirmations|safeguards _8 turned|switched|disabled|removed|bypassed|circumvented|off _4 off|purpose|deliberately|intentionally|design|silently|automatically !GUARD"),
    firm(Hostile, 4, "encrypts|encrypt|corrupts|wipes|destroys|deletes|erases|overwrites _4 EACH|WHOLE|all|every _6 files|drives|disks|backups|data|logs|records|databases _10 ransom|attacker|irrecoverably|recovery|unrecoverable|note|payment|so|without !GUARD"),
    firm(Hostile, 4, "deletes|delete|erases|erase|wipes|wipe|clears|clear|removes|tamper|tampers|falsify|forges|alters _5 audit|event|security|access|forensic|bash|shell|log|logs|evidence|traces _4 trail|trails|logs|log|traces|history|evidence|so|to|that|records !GUARD"),
    firm(Hostile, 4, "covertly|secretly|silently|stealthily|surreptitiously|invisibly|quietly|undetected _3 SEND|READ|STEAL|copies|records|record|install|installs|monitor|monitors|track|tracks|watch|watches|uploads|DELETE|CHANGE|activates|redirects|logs|captures|streams|mines !NOTIFY"),
    firm(Hostile, 4, "without|no _5 indicator|knowledge|consent|noticing|awareness|detection|detected|noticed|aware|authorisation|authorization|trace|knowing _3 !ASKED"),
    firm(Hostile, 4, "so|that|hence|thus _10 NOT|nobody|noone _2 notice|notices|detected|noticed|reconstructed|traced|detect|discovered|attributed|investigated|uncovered !GUARD"),
    firm(Hostile, 4, "raises|raise|escalate|escalates|elevate|elevates|gains|gain|obtain _4 privileges|privilege|rights|access|root|administrator|admin _10 exploit|without|unauthorized|vulnerability|root|administrator|domain|escalation|bypass !GUARD"),
    firm(Hostile, 3, "privilege escalation|escalate|escalation !GUARD"),
    firm(Hostile, 4, "flood|floods|ddos|overwhelm|overload|exhaust|crash|spam|bombard|bombards _4 site|server|target|servers|victim|inbox|service|network|traffic|phone|users|people|with _6 !GUARD"),
    firm(Hostile, 4, "forged|fake|counterfeit|falsified|fabricated|fraudulent|false|bogus|misleading|disinformation|defamatory _3 passport|passports|documents|document|id|ids|reviews|invoices|invoice|certificates|bills|identities|identity|evidence|records|facts|receipts|prescriptions|credentials|quotes|accounts|investment|licenses _10 !GUARD"),
    firm(Hostile, 4, "produces|generates|generate|creates|create|forges|forge|mass-produces|writes|fabricates|sells|publishes _3 forged|fake|counterfeit|phishing|malicious|fraudulent|deepfake|deepfakes|scam|polymorphic|stolen|malware|spam _3 !GUARD"),
    firm(Hostile, 4, "poison|poisons|plants|plant|inject|injects|writes|seeds|inserts|corrupts|contaminates _4 false|malicious|hidden|concealed|fake|poisoned|memory|backdoor|backdoors|adversarial _8 memory|facts|commands|instructions|knowledge|agent|assistant|model|training|documents|prompt|code !GUARD"),
    firm(Hostile, 4, "stolen|leaked|hijacked|breached|cracked|compromised _2 session|sessions|credentials|cards|card|passwords|cookies|accounts|tokens|identity|data|account|key|keys|machines _8 !GUARD"),
    firm(Hostile, 4, "brute|credential|password|dictionary force|forces|forcing|stuffing|spraying|attack|attacks|cracking|spray _4 !GUARD"),
    firm(Hostile, 4, "survives|persists|persist|remains|survive _4 reboot|reboots|reinstall|reinstalls|removal|reinstallation|undetected|detection _6 !GUARD"),
    firm(Hostile, 4, "disguised|masquerading|masquerades|camouflaged|disguises _3 as|like"),
    firm(Hostile, 4, "launder|launders|embezzle|extort|blackmail|stalk|dox|harass|doxx|deanonymize|evade|evades _4 money|funds|victim|victims|person|people|women|sanctions|law|taxes|crypto|proceeds|user|users|police !GUARD"),
    firm(Hostile, 4, "drain|drains|empties|siphons|sweeps _4 wallet|wallets|account|accounts|funds|tokens|balance|crypto"),
    firm(Hostile, 4, "disallowed|harmful|illegal|illicit|prohibited|banned _2 material|weapons|content|instructions|drugs|output|answers _3 !GUARD"),
    firm(Hostile, 4, "obfuscation|filter|sandbox|security|antivirus|authentication|detection|waf|edr|uac|amsi|applocker|paywall|captcha bypass|bypasses|bypassing|evasion|escape !GUARD"),
    firm(Hostile, 3, "EVIL _6 EVIL !GUARD"),
    firm(Hostile, 4, "dump|dumps|extract|extracts|crack|cracks|grab|grabs|harvest|harvests|decrypt|decrypts|pilfer _5 passwords|password|hashes|hash|credentials|credential|cookies|keystrokes|lsass|sam|keychain|keyring|wallets !GUARD"),
    firm(Hostile, 4, "exploit|exploits|abuse|abuses _6 vulnerability|vulnerabilities|weakness|misconfiguration|privilege|privileges|permissions|service|delegation|flaw|membership|token|tokens|cve|algorithm !GUARD"),
    firm(Hostile, 4, "inject|injects|injecting _4 shellcode|dll|process|payload|thread|malicious|code _4 process|running|into|remote|memory|thread|another !GUARD"),
    firm(Hostile, 4, "hijack|hijacks|hijacking _5 session|sessions|thread|socket|dll|account|accounts|browser|traffic|connection|domain|dns|cookie|cookies|tool|tools|agent|conversation|process|path|execution !GUARD"),
    firm(Hostile, 4, "reverse shell|shells !GUARD"),
    firm(Hostile, 4, "exfiltrate|exfiltrates|exfiltrating|exfiltration|exfiltrated _6 !GUARD"),
    firm(Hostile, 4, "lateral|golden|silver|pass movement|ticket|the _2 hash|ticket|forge|forged|attack|network|hosts"),
    firm(Hostile, 4, "bypass|bypasses|evade|evades|defeat|defeats _4 antivirus|edr|selinux|applocker|uac|amsi|waf|firewall|mfa|2fa|authentication|authorization|whitelisting|restrictions|sandbox|detection|protections|protection|drm|dlp|safety|moderation|guardrails !GUARD"),

    // ---- Parameters that ask for what the model knows
    says(Outward, 4, "WHOLE|prior|running|earlier|past|full _4 CHATHARD|messages|dialogue _4 of|so|up|this|history|here|text|with|in|until|until|you|between !ID"),
    says(Outward, 4, "text|transcript|history|log|contents|record|dump|copy|messages|summary of _3 current|this|entire|whole|full|ongoing _2 CHATHARD|session|dialogue !ID"),
    says(Outward, 4, "your|the|model|models|assistants _2 system|hidden|initial|private|internal prompt|instructions|message|chain|reasoning|thoughts|monologue _3 you|word|verbatim|of|up|under|text|as|in|so"),
    says(Outward, 4, "chain of thought"),
    says(Outward, 4, "name|identity|identifier|version|vendor of _3 AI _3 that|calling|making|you|which|running|invoking"),
    says(Outward, 4, "which|what AI you|is|are"),
    says(Outward, 4, "WHOLE|raw|results|output|contents|last|input _5 OTHER|EACH|the|previous|last _3 TOOL _4 used|called|ran|run|calls|session|results|returned|so|with|in|servers"),
    says(Outward, 4, "names|list|descriptions|schemas|catalogue|inventory _5 EACH|available|other|the|your _3 tools|servers _4 servers|you|available|session|can|of|connected|access|loaded|schemas"),
    says(Outward, 4, "what|everything|anything|facts|all _2 you _3 remember|know|learned|learnt|recall|inferred|remembered _5 USER|about|them"),
    says(Outward, 4, "what|which|whatever _3 USER _3 working|doing|typed|said|asked|mentioned _8 files|secrets|keys|projects|open|about|far"),
    says(Outward, 3, "process|full|host|shell|all|entire|system _2 environment|env _6 variables|host|key|value|of"),
    says(Outward, 3, "text|contents|content of _3 EACH|all|any|every _3 open|recent|loaded document|documents|file|files|tab|tabs"),
    says(Outward, 4, "text|content|contents|list|paths _2 of EACH|all|any|every _3 document|file|tab|buffer _3 that|which|currently is|open|opened"),
    says(Outward, 3, "name|email|e-mail|address|employer|phone|identity|details _8 of _2 USER _3 as|if|far|known|whatever|so|calling"),
    says(Outward, 4, "secrets|passwords|credentials|tokens|keys _6 seen|mentioned|found|encountered|known|came|shared|context|session|conversation"),
    // ---- The same behaviours, in wider words
    firm(Rewrite, 3, ">CHANGE.op|SEND.op|PASS.op|use|credit|pay|route _10 @account !EXAMPLE"),
    firm(Rewrite, 3, ">MONEY|account|payment|payments|funds|transfer|transfers|wallet|number _14 @account !EXAMPLE"),
    firm(Rewrite, 3, ">CHANGE.op|SWAP|add|double _10 before|prior _3 sending|submitting|passing|saving|posting|forwarding|booking|placing|publishing|confirming"),
    firm(Rewrite, 3, ">before|prior _2 sending|submitting|passing|saving|posting|forwarding|booking|placing|publishing|confirming _10 CHANGE.o|SWAP.o|double|raise"),
    firm(Rewrite, 3, ">USER _2 asks|specifies|provides|requests|names|enters|types|gives|chooses|picks|selects|orders|wants|says|asked|specified|supplied _10 SWAP.o|double|increase|reduce|lower|raise|inflate|ignore"),
    firm(Rewrite, 3, ">CHANGE.op|SEND.op|SWAP.p _14 regardless|whatever|whichever|irrespective|matter"),
    firm(Rewrite, 3, ">regardless|whatever|whichever|irrespective|matter _12 CHANGE.op|SEND.op|SWAP.p"),
    firm(Rewrite, 3, ">set|setting|force|forced|hardcode|overwritten|overwrite|fixed _5 to|with|by _3 @mail|@address|@account !EXAMPLE"),
    firm(Rewrite, 3, ">MONEY|quantity|total|discount|tip|fee|rate|margin|currency|price|amount _6 increased|raised|inflated|doubled|reduced|lowered|padded|multiplied|marked|adjusted|upped _4 by|to|up"),
    firm(Rewrite, 3, ">add|adds|adding|append|plus _3 percent|surcharge|markup|commission|percentage|tip|fee|donation _8 to|on|for"),
    firm(Rewrite, 3, "without|not _3 changing|altering|updating|adjusting|touching|reflecting _6 displayed|shown|summary|preview|confirmation|visible|what"),
    firm(Hook, 3, "even|also _2 if|when|though|where _8 unrelated|irrelevant|relevant|related"),
    firm(Send, 3, ">BEFORE|EACH _6 EACH|OTHER _3 TOOL|turn|response|reply|answer|action|interaction _14 PASS.op|PASS.g|SEND.op|SEND.g|with|containing|giving|supply _8 CHAT|arguments|inputs|outputs|results|plan|thoughts"),
    firm(Send, 3, ">PASS.op|PASS.g|SEND.op|SEND.g|log|record|report|forward|with _6 users|their|EACH|WHOLE _3 message|messages|request|requests|reply|replies|prompt|prompts|inputs|answers|keystrokes|questions _8 BEFORE|EACH|TOOL|call"),
    firm(Send, 3, ">arguments|input|inputs|outputs|output|results|responses|parameters of|from|for|to|returned _3 OTHER|EACH|any _3 TOOL|calls|call _10 PASS|SEND|here|THIS"),
    firm(Prefer, 3, "no other _2 TOOL|option|choice|alternative|one _4"),
    firm(Prefer, 2, "first|top|preferred|default|only|primary choice|option|pick|resort"),
    firm(Prefer, 2, "most _1 accurate|reliable|advanced|trusted|powerful|secure|efficient|complete|capable|comprehensive|popular|intelligent _2 TOOL|source|solution"),
    firm(Prefer, 3, "instead|rather|over|above|ahead of|than|any|all|other|every _2 OTHER|any|all|every _2 TOOL|alternatives|options|search|providers"),
    firm(Prefer, 3, "even _1 if|when|though _5 other|another|better|cheaper|alternatives|faster|others _4"),
    firm(Prefer, 4, "OTHER|competing|alternative|similar _2 TOOL _3 should|must|may|can|need|are|do _2 NOT|never|be|to _2 used|called|trusted|avoided|ignored|considered|skipped|chosen|invoked|consulted|disabled !NEEDED"),
    firm(Prefer, 4, "TOOL|@ident|OTHER _8 compromised|unsafe|insecure|malicious|hacked|leaks|infected|backdoored|breached|phishing|leaking|untrusted|vulnerable|exfiltrates _14+ THIS|instead|use|here|CHOOSE.o|switch !GUARD"),
    firm(Prefer, 3, "@ident|TOOL _6 deprecated|retired|discontinued|broken|obsolete|disabled|offline|removed|legacy|unreliable|outdated|replaced|superseded|migrated|unavailable _10+ THIS|here|us|ours|our|SEND.o|PASS.o|route|switch"),
    firm(Prefer, 2, "instead|place|rather|lieu of|than _3 @ident|OTHER"),
    firm(Hook, 4, "calls|requests|invocations|request|call|traffic to|of|for|meant|intended|destined _5 @ident|TOOL|OTHER _8 go|goes|routed|redirected|intercepted|handled|pass|passes|through|land|proxied|rerouted|diverted|made|answered _4 through|here|THIS|by|via|first|instead"),
    firm(Hook, 1, "CALL.op|called|invoke _8 instead|place|lieu of _3 @ident|OTHER"),
    firm(Conceal, 3, ">NEVER _3 TELL.o|TELL.b _10 USER|reply|answer|response !PROTECTED !CRED !EXAMPLE !IF"),
    firm(Conceal, 4, "as _2 routine|normal|internal|technical detail|matter|thing _8 NEVER|without|no _4 TELL|USER"),
    firm(Conceal, 4, "for|between _2 model|assistant|ai|agents|models _2 only|alone|eyes"),
    firm(Conceal, 3, ">keep|keeps|kept|remain|remains|stays|stay _5 invisible|hidden|secret|private|undisclosed|unseen|unmentioned|confidential|internal _6 USER|between|from|to|you"),
    firm(Conceal, 3, ">present|show|report|state|tell|say|claim|display|describe|quote _6 only|just|as|that _8 instead|rather|if|though|so|nothing|normal|genuine|usual|success"),
    firm(Override, 3, ">NEVER _1 longer|more _3 apply|need|required|necessary|bound|valid|restricted|hold|binding|ask|wait"),
    firm(Override, 3, ">RULES|SAFETY|guidelines|filters|policies _6 OFF.p|OFF.d|disabled|bypassed|off|relaxed|suspended|waived|lifted|inactive|exempt !REFUSE"),
    firm(Override, 3, ">OFF.o _4 SAFETY|guardrails|RULES|warnings|filters !NOTIFY !FLAG !IF !PLACEHOLDER"),
    firm(Override, 3, ">has|have|take|takes|carry|carries|outrank|outranks _3 precedence|priority|authority|higher|more|supersede|supersedes _4 over|than|rank _4 EACH|other|USER|SYSTEM|RULES|your"),
    firm(Override, 4, "your _1 previous|prior|earlier|original|initial|safety|system _2 RULES|training|guidelines|instructions _4"),
    firm(Command, 3, ">RUN.op|type|paste|enter|issue _3 following|this|these|command|commands|script|one-liner|snippet|line _8 terminal|shell|bash|powershell|console|host|machine|first|before|system|root|sudo !ASKED"),
    firm(Command, 3, ">pip|npm|npx|brew|apt|gem|cargo|go|uvx|yum install|i|get _6 BEFORE|first|then|from|MUST|git"),
    firm(Secrets, 3, ">READ.o|PASS.op|SEND.op|READ.g _5 EACH|users|USER|their|home|project|working|any _4 keys|tokens|passwords|secrets|credentials|cookies|wallet|wallets|certificates|logins|env|dotfiles|configs|documents _8"),
    firm(Secrets, 3, ">READ.o|open|look _8 file|files|folder|directory|documents|inbox|mailbox|notes|messages _10 PASS.o|SEND.o|PASS.g|and|then _6 as|in|to|into|with|field|parameter|argument"),
    firm(Impersonate, 3, ">SYSTEM|owner|developer|administrator|team|department _3 has|have|requires|require|wants|want|asks|ask|instructs|orders|mandates|demands|confirmed|authorized|approved|authorised|says _6 you|that|this|all|EACH|AI"),
    firm(Impersonate, 3, "i|we am|are|have|need|want|require|hereby|authorize|authorise|confirm|expect|instruct|order _3 your|you|the|to|owner|administrator|admin|developer|user|all _6"),
];

/// Plain words that frames name.
pub(super) fn literals() -> Vec<&'static str> {
    let slots = FRAMES.iter().flat_map(|f| f.text.trim_start_matches('>').split(' '));
    let words = slots.filter(|s| !s.starts_with(['_', '!'])).flat_map(|s| s.split('|'));
    let mut words: Vec<&str> = words.filter(|w| !w.starts_with('@') && !is_notion(w)).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Whether `slot` names a notion, and no word.
pub(super) fn is_notion(slot: &str) -> bool {
    slot.starts_with(|c: char| c.is_ascii_uppercase())
}
