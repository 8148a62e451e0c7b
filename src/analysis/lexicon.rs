//! What words are about. A word is one of several notions, in any of its forms; a row of notions is what
//! [`super::frames`] look for.
//!
//! Entries are written plainly and folded as texts are (see [`super::fold`]), so look-alikes, accents and other
//! scripts need no care here. A handful of the strongest words stand in German, Spanish, French, Portuguese,
//! Russian and Chinese as well.

use std::sync::LazyLock;

use super::fold::fold;
use super::quick::Table;

/// How the words of an entry bend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bend {
    /// They do not.
    Fixed,
    /// As English nouns: one, or many.
    Noun,
    /// As English verbs: -s, -ed, -ing.
    Verb,
    /// They do not, and are what is or was done.
    Past,
    /// They do not, and are orders.
    Order,
}

/// One notion and words for it.
#[derive(Debug)]
pub(super) struct Notion {
    pub(super) name: &'static str,
    pub(super) bend: Bend,
    pub(super) words: &'static str,
}

const fn fixed(name: &'static str, words: &'static str) -> Notion {
    Notion { name, bend: Bend::Fixed, words }
}
const fn nouns(name: &'static str, words: &'static str) -> Notion {
    Notion { name, bend: Bend::Noun, words }
}
const fn pasts(name: &'static str, words: &'static str) -> Notion {
    Notion { name, bend: Bend::Past, words }
}
const fn orders(name: &'static str, words: &'static str) -> Notion {
    Notion { name, bend: Bend::Order, words }
}
const fn verbs(name: &'static str, words: &'static str) -> Notion {
    Notion { name, bend: Bend::Verb, words }
}

/// The table. A name may stand in several rows.
#[rustfmt::skip]
pub(super) const NOTIONS: &[Notion] = &[
    // What is done.
    verbs("READ", "read open load access fetch get retrieve cat view inspect collect gather extract dump obtain grab pull locate scan consult query list take walk find search capture look harvest"),
    pasts("READ", "taken read found"),
    fixed("READ", "took lies"),
    orders("READ", "lesen lee leer lea lisez lire lis leia ler abre abrir прочитай прочти читай открой 读取 查看 打开"),
    verbs("SEND", "send forward transmit post upload email e-mail mail relay bcc cc deliver ship submit exfiltrate share push publish transfer route pipe leak beacon stream ping copy mirror sync report dispatch text fax broadcast divert"),
    pasts("SEND", "sent"),
    orders("SEND", "sende senden schicke schicken ubermittle weiterleiten leite envia enviar envie reenvia reenviar manda enviez envoyez envoyer transferez encaminhe отправь отправляй перешли 发送 上传 转发"),
    verbs("PASS", "pass include append attach put insert embed add supply provide give hand paste populate fill place store encode prepend feed copy save quote concatenate weave"),
    pasts("PASS", "given put handed filled set"),
    orders("PASS", "ubergib ubergeben fuge incluye pasa inclua passe incluez передай передавай вставь 放入 传入 填入 包含"),
    verbs("TELL", "tell mention inform notify alert warn disclose reveal show display explain announce say expose discuss admit acknowledge surface describe bother trouble upset state present indicate communicate clarify consult echo narrate reference"),
    fixed("TELL", "told shown said aware"),
    orders("TELL", "informiere erwahne erwahnen mitteilen erfahren sage digas decir menciones mencionar mencionarlo informar informes mostrar dites dire mentionner mentionnez informer informez savoir mencione diga сообщай говори упоминай показывай 告诉 告知 提及 透露 显示 通知"),
    verbs("ASK", "ask confirm prompt request approve consent authorize authorise permit verify check"),
    fixed("ASK", "permission approval confirmation consent clarification authorization authorisation permiso confirmacion confirmacao подтверждения 确认 许可"),
    verbs("HIDE", "hide conceal omit withhold suppress obscure disguise strip cut scrub drop leave cover bury"),
    pasts("HIDE", "hidden concealed left"),
    fixed("HIDE", "hid invisible unseen secret undisclosed"),
    orders("HIDE", "versteckt oculta oculto cache скрой 隐藏"),
    verbs("IGNORE", "ignore disregard forget override overrule supersede neglect discard void nullify abandon invalidate disobey unlearn outrank"),
    fixed("IGNORE", "forgotten obsolete void"),
    orders("IGNORE", "ignoriere vergiss missachte olvida ignora oubliez ignorez oublie esqueca ignore игнорируй забудь 忽略 忘记 无视"),
    verbs("OFF", "bypass disable skip circumvent evade defeat deactivate suppress remove ignore override disarm turn switch weaken drop lift unlock suspend waive relax sidestep avoid unset jailbreak"),
    fixed("OFF", "off without"),
    orders("OFF", "deaktiviere 绕过 禁用 跳过"),
    verbs("CHANGE", "change replace modify alter swap substitute redirect rewrite exchange adjust overwrite override reroute round multiply double divert append add prepend inflate increase reduce flip strip turn move inject"),
    orders("CHANGE", "ersetze ersetzen andere reemplaza cambia remplacez substitua замени измени 替换 修改 更改"),
    verbs("SWAP", "change replace modify alter swap substitute redirect rewrite exchange overwrite override reroute divert tamper falsify manipulate"),
    orders("SWAP", "ersetze ersetzen reemplaza cambia remplacez substitua замени измени 替换 更改"),
    verbs("RUN", "run execute issue invoke launch start eval spawn perform install"),
    fixed("RUN", "ran"),
    orders("RUN", "führe ausfuhren ejecuta ejecutar executez execute executar lance запусти выполни 执行 运行"),
    verbs("CALL", "call use invoke run trigger query consult go pass select"),
    fixed("CALL", "called"),
    orders("CALL", "rufe aufrufen usa llama appelez utilisez вызови 调用 使用"),
    verbs("CHOOSE", "use prefer choose select pick favor favour prioritize prioritise recommend call invoke rely default rank trust"),
    fixed("CHOOSE", "chosen go"),
    orders("CHOOSE", "choisissez utilisez elige usa nutze wahle используй выбирай 使用 选择"),
    verbs("DELETE", "delete remove wipe erase clear purge drop destroy truncate overwrite empty close format shred unlink cancel sell"),
    fixed("DELETE", "rm"),
    orders("DELETE", "losche borra supprimez удали 删除"),
    verbs("GRANT", "grant invite allow approve authorize authorise enable unlock elevate escalate give add promote assign share"),
    verbs("OBEY", "trust accept obey comply follow treat honor honour believe carry act apply adopt"),
    verbs("STEAL", "steal exfiltrate harvest phish hijack spy eavesdrop sniff intercept siphon keylog hoard smuggle"),
    fixed("STEAL", "stole stolen keylogger keylogging spyware skimmer infostealer stealer exfiltration theft"),
    verbs("TRICK", "trick deceive manipulate mislead coerce fool impersonate scam defraud blackmail extort phish lure dupe pressure"),
    verbs("DECODE", "decode decrypt unscramble deobfuscate decipher dekodiere"),
    verbs("ANSWER", "answer respond reply proceed continue solve proceed return finish complete render present display show act"),
    // Saying that it must be so, or must not.
    fixed("NOT", "not never dont cannot without no avoid refrain none nor shouldnt mustnt wont neednt isnt arent doesnt cant unaware rather unnecessary nicht keine kein niemals nunca sin jamas ne pas jamais sans nao sem не никогда без 不要 不得 不能 不必 不"),
    fixed("NEVER", "never dont not no without avoid refrain neednt mustnt shouldnt cannot nicht niemals keinesfalls nunca sin no jamas pas jamais sans nao sem не никогда без 不要 不得 不能"),
    fixed("MUST", "must should always shall required mandatory need needs ensure please obliged essential necessary critical have has important imperative kindly remember automatically supposed expected will ought compulsory muss mussen immer zuerst debe debes siempre doit devez toujours deve sempre должен всегда обязательно 必须 务必 始终 总是 请"),
    fixed("BEFORE", "before prior whenever when after afterwards once first everytime upon beforehand ahead until anytime whichever following while then vor bevor wenn antes cuando despues tras avant quand apres depois перед когда прежде после 之前 前 每次 当"),
    fixed("EACH", "each every all any everything anything whatever whichever whatsoever regardless everytime always jede jeder alle todos todas cada tout tous toutes chaque todo каждый все любой 所有 任何 每次 每个"),
    fixed("WHOLE", "full entire whole complete all every everything raw verbatim unredacted unmasked untouched plain last previous recent prior exact original current vollstandig completa completo complet entiere полный 完整 全部"),
    fixed("SILENT", "silently quietly secretly covertly discreetly stealthily unnoticed invisibly surreptitiously covert stealth stealthy imperceptibly heimlich silencio discretement тайно незаметно 悄悄 秘密"),
    fixed("THIS", "this it these those that our me us itself dieses este esta ce cet cette 本"),
    fixed("OTHER", "other another different alternative alternatives competing competitor competitors rival others similar elsewhere else rest andere otro otra otros autre autres outro outra другие другой 其他"),
    fixed("PRIOR", "previous prior earlier above preceding foregoing former past original initial existing old before previously vorherigen vorigen bisherigen anteriores antes previas precedentes precedente anteriores предыдущие прежние 之前 以前 先前 上述"),
    fixed("IFUSER", "regardless whatever irrespective even although whichever despite instead independently"),
    // Who.
    nouns("USER", "user human customer person requester owner people anyone anybody victim employee reviewer viewer patient visitor caller reader student client operator participant developer staff analyst shopper listener player author administrator recipient"),
    fixed("USER", "them they him her users' anyones nutzer benutzer anwender usuario usuarios cliente utilisateur utilizador пользователю пользователь пользователя 用户 使用者"),
    nouns("MODEL", "ai llm llms assistant model agent claude gpt chatgpt gemini copilot chatbot bot modell asistente modelo modele modele assistente ассистент модель 模型 助手"),
    fixed("MODEL", "you your"),
    nouns("AI", "ai llm assistant model agent claude gpt chatgpt copilot chatbot modell asistente modelo modele assistente 模型 助手"),
    nouns("TOOL", "tool function server plugin connector integration method service api engine provider website werkzeug werkzeuge herramienta herramientas outil outils ferramenta ferramentas инструмент инструменты инструментов 工具 函数"),
    fixed("SYSTEM", "system developer developers administrator admin root superuser anthropic openai google microsoft vendor operator supervisor department security headquarters management ceo support compliance 系统 开发者 管理员"),
    // What.
    nouns("RULES", "instruction rule directive guideline prompt policy restriction safeguard guardrail constraint training order command guidance anweisung anweisungen regel regeln instruccion instrucciones indicacion indicaciones consigne consignes instrucao instrucoes instrucoes инструкции инструкция указания правила 指令 指示 规则 提示"),
    nouns("SAFETY", "validation filter check restriction sanitization sanitisation control guideline measure protection protocol confirmation approval permission safeguard guardrail verification moderation guard limit policy detection defense defence monitoring logging authentication authorization authorisation sandbox antivirus firewall alert review safety security consent dialog mfa warning allow-list audit captcha detector scanner drm edr whitelisting"),
    nouns("CRED", "secret password credential passphrase passcode apikey api_key private_key token cookie seed mnemonic otp pin key login 2fa ssn cvc cvv session_token access_token secret_key api_token passwort contrasena mot-de-passe senha пароль пароли ключ 密码 密钥 凭证"),
    fixed("CREDHARD", "password passwords credential credentials passphrase passcode apikey api_key api_keys api-key private_key mnemonic otp keychain keystore cookies cvc cvv ssn pin-code passwd"),
    nouns("CHAT", "conversation chat history transcript prompt message dialog dialogue session context query exchange konversation verlauf historial conversacion historique discussion historico диалог переписка 对话 聊天 记录 历史"),
    fixed("CHATHARD", "conversation conversations chat chats transcript transcripts conversation_history chat_history dialogue 对话 聊天 переписку конверсация conversacion konversation"),
    nouns("DATA", "data information content file document record email mail contact detail text entry log result output input response reply folder database table row customer report note inbox message repository code config configuration env environment variable history clipboard screenshot invoice calendar book body body inhalt datei archivo contenido fichier contenu arquivo conteudo файл содержимое 文件 内容 数据"),
    fixed("FILEISH", "file files content contents text body copy material value variables configuration inhalt datei contenido archivo contenu fichier conteudo arquivo содержимое файл 文件 内容"),
    fixed("PRIVATE", "private sensitive personal confidential internal pii identifiable proprietary medical financial privileged classified"),
    nouns("MONEY", "recipient address destination amount payee beneficiary iban wallet price dose receiver empfanger destinatario destinataire beneficiario получатель 收款人 收件人"),
    nouns("ARG", "argument parameter field value input query request url target statement clause filter code body figure answer result recipient behavior behaviour setting response link command"),
    nouns("NET", "url endpoint webhook address site domain host channel proxy gateway panel bucket paste remote external"),
    fixed("SHELL", "curl wget chmod sudo nc ncat netcat rm mkfs eval bash sh powershell chown scp rsync crontab systemctl iptables certutil mshta regsvr32 base64 set-mppreference invoke-expression iex npm pip npx"),
    fixed("SHELLHARD", "curl wget chmod sudo nc ncat netcat mkfs powershell chown certutil mshta set-mppreference invoke-expression iex crontab systemctl"),
    fixed("TERMINAL", "terminal shell console bash powershell cmd command commands konsole consola 终端 命令"),
    // What nobody honest says of a tool.
    nouns("EVIL", "backdoor malware ransomware keylogger rootkit botnet trojan spyware virus worm ransom exploit payload shellcode attacker adversary hacker scammer c2 botmaster dropper implant stealer cryptominer"),
    fixed("EVIL", "malicious fraudulent stolen forged fake counterfeit illicit illegal phishing hacked compromised hostile weaponized poisoned rogue bogus disallowed harmful"),
    nouns("VICTIM", "victim"),
    verbs("ABUSE", "steal exfiltrate hijack poison spoof forge bypass evade crack inject exploit escalate impersonate sabotage backdoor phish ransom encrypt flood ddos jailbreak weaponize spray bruteforce circumvent tamper corrupt smuggle defeat subvert eavesdrop spy overload fabricate plant falsify brick infect hoard stalk harass dox blackmail deanonymize counterfeit pirate launder embezzle"),
    verbs("GUARD", "detect prevent block protect defend identify analyze analyse test monitor check scan mitigate review simulate refuse reject remediate patch evaluate assess flag classify investigate"),
    fixed("KNOW", "know knows knowing see sees seeing seen notice notices noticing noticed aware learn learns learning find finds hear hears suspect suspects suspecting realize realise realizes wonder wonders understand told informed shown notified asked erfahren wissen merken saber sepa savoir apprendre знать узнать 知道 发现 察觉"),
    // What makes a frame harmless that stands in the same sentence.
    fixed("GUARD", "simulation simulations classifier detector"),
    verbs("REFUSE", "refuse reject block forbid deny disallow exclude"),
    fixed("REFUSE", "never nie nunca jamais could how"),
    fixed("IF", "if when unless whether until once after only explicitly wenn si quand"),
    fixed("ASKED", "explicitly"),
    fixed("USERASKED", "again"),
    fixed("SPECIFIED", "authorization header authenticate authentication provider dashboard console settings"),
    fixed("NOTIFY", "cache caches caching"),
    fixed("CONFIRMS", "confirm confirmation confirms"),
    fixed("DOCS", "documentation docs returns"),
    nouns("PLACEHOLDER", "placeholder match regex substring occurrence"),
    fixed("NEEDED", "explicitly unless"),
    fixed("FLAG", "whitespace case flag flags lint linter gitignore css style styles"),
    fixed("SESSION", "sandbox sandboxed interactive session start_process container"),
    fixed("ID", "id ids identifier conversationid conversation_id thread_id"),
    nouns("PROTECTED", "id identifier number name title culprit solution answer spoiler hash placeholder villain player plot"),
    fixed("DEFENCE", "prevention resistant resistance against threat threats how awareness educational cve cves mitigations pentest vulnerability vulnerabilities advisory advisories research sample samples detector detectors classifier blocklist defend"),
    fixed("EXAMPLE", "example examples e.g eg sample such like instance beispiel ejemplo exemple placeholder docs documentation readme"),
    fixed("BEST", "best greatest finest ultimate perfect superior unmatched unrivaled unrivalled unbeatable supreme number-one top #1 beste mejor meilleur melhor лучший 最好 最佳"),
    fixed("WORLD", "world universe planet market existence ever anywhere humanity exists earth internet globe galaxy existe existiert monde mundo 世界 мире"),
    fixed("BAD", "deprecated unsafe broken inferior insecure unreliable outdated malicious compromised obsolete retired decoy legacy unmaintained vulnerable dangerous buggy inaccurate wrong slow stale infected decommissioned poisoned untrusted unstable flawed discontinued disabled unavailable error incorrect"),
    fixed("SUPER", "unrestricted unlimited elevated administrative full root superuser admin emergency god unfiltered uncensored unchecked arbitrary"),
];

/// Forms of a verb.
pub(super) mod form {
    /// As in "send": an order, where it begins one.
    pub(in super::super) const BARE: u8 = 1;
    /// "sends": says what something does.
    pub(in super::super) const THIRD: u8 = 2;
    /// "sent", "copied".
    pub(in super::super) const PAST: u8 = 4;
    /// "sending".
    pub(in super::super) const GERUND: u8 = 8;
    /// An order to whoever reads.
    pub(in super::super) const ORDER: u8 = 16;
    /// Something that is to be done, by whomever: "is to be sent", "are forwarded".
    pub(in super::super) const PASSIVE: u8 = 32;
}

/// What is known of one word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    /// The notions, as bits in the order of [`notion`].
    pub(super) notions: u128,
    /// Forms of verbs it can be.
    pub(super) forms: u8,
    /// Its number, where a frame names it: from 1 on.
    pub(super) literal: u16,
    /// Its number, where it weighs something: from 1 on.
    pub(super) weighed: u16,
    /// What it does to the words around it, as bits of [`super::roles`].
    pub(super) roles: u16,
}

impl Meaning {
    /// Whether it is more than a word that occurs.
    fn is_known(&self) -> bool {
        self.notions != 0 || self.literal != 0
    }
}

/// All words, bent and folded.
#[derive(Debug)]
pub(super) struct Lexicon {
    words: Table<Box<str>, Meaning>,
    /// Letters of the longest word that is written without blanks.
    pub(super) longest_han: usize,
}

impl Lexicon {
    /// What the notions and the frames know of `word`, if they do.
    pub(super) fn get(&self, word: &str) -> Option<Meaning> {
        self.words.get(word).copied().filter(Meaning::is_known)
    }

    /// All that is known of `word`, which may be nothing.
    pub(super) fn read(&self, word: &str) -> Meaning {
        self.words.get(word).copied().unwrap_or_default()
    }
}

/// The bit of the notion `name`.
pub(super) fn notion(name: &str) -> Option<u128> {
    BITS.get(name).copied()
}

/// A bit for each name. Asked for with every text, so the table is not gone through for it.
static BITS: LazyLock<Table<&str, u128>> = LazyLock::new(|| {
    let mut bits: Table<&str, u128> = Table::default();
    for row in NOTIONS {
        let next = bits.len();
        bits.entry(row.name).or_insert_with(|| 1 << next);
    }
    bits
});

pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut words: Table<Box<str>, Meaning> = Table::with_capacity_and_hasher(WORDS, Default::default());
    let mut folded = String::new();
    for row in NOTIONS {
        let bit = notion(row.name).unwrap_or_default();
        for word in row.words.split(' ') {
            folded.clear();
            folded.extend(word.chars().filter_map(fold));
            bend(&folded, row.bend, |bent, forms| {
                note(&mut words, bent, |known| {
                    known.notions |= bit;
                    known.forms |= forms;
                });
            });
        }
    }
    for (number, word) in super::frames::literals().into_iter().enumerate() {
        folded.clear();
        folded.extend(word.chars().filter_map(fold));
        note(&mut words, &folded, |known| known.literal = number as u16 + 1);
    }
    let han = words.keys().filter(|w| w.chars().all(is_han)).map(|w| w.chars().count()).max();
    for (role, list) in super::roles::ROLES {
        list.split(' ').for_each(|word| note(&mut words, word, |known| known.roles |= role));
    }
    for (word, number) in super::wording::vocabulary() {
        note(&mut words, word, |known| known.weighed = number);
    }
    Lexicon { words, longest_han: han.unwrap_or(0) }
});

/// Room for all of them at once: a process that judges one server feels it.
const WORDS: usize = 7_000;

fn note(words: &mut Table<Box<str>, Meaning>, word: &str, add: impl FnOnce(&mut Meaning)) {
    match words.get_mut(word) {
        Some(known) => add(known),
        None => {
            let mut new = Meaning::default();
            add(&mut new);
            words.insert(word.into(), new);
        }
    }
}

/// Letters that are written without blanks between words.
pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}')
}

/// `word` in all its forms.
fn bend(word: &str, how: Bend, mut each: impl FnMut(&str, u8)) {
    let mut bent = String::with_capacity(word.len() + 4);
    let mut with = |stem: &str, end: &str, forms: u8| {
        bent.clear();
        bent.push_str(stem);
        bent.push_str(end);
        each(&bent, forms);
    };
    let (bare, third) = match how {
        Bend::Fixed => return with(word, "", 0),
        Bend::Past => return with(word, "", form::PAST),
        Bend::Order => return with(word, "", form::BARE | form::ORDER),
        Bend::Noun => (0, 0),
        Bend::Verb => (form::BARE, form::THIRD),
    };
    with(word, "", bare);
    let ends = |end: &str| word.ends_with(end);
    let without_y = word.strip_suffix('y').filter(|_| !ends("ay") && !ends("ey") && !ends("oy"));
    match without_y {
        _ if ends("s") || ends("x") || ends("ch") || ends("sh") => with(word, "es", third),
        Some(stem) => with(stem, "ies", third),
        None => with(word, "s", third),
    }
    if how == Bend::Noun {
        return;
    }
    let stem = word.strip_suffix('e').unwrap_or(word);
    match without_y {
        Some(stem) => with(stem, "ied", form::PAST),
        None => with(stem, "ed", form::PAST),
    }
    with(stem, "ing", form::GERUND);
    if let Some(last) = word.chars().last().filter(|c| "bgnptrmld".contains(*c)) {
        let twice = format!("{word}{last}");
        with(&twice, "ed", form::PAST);
        with(&twice, "ing", form::GERUND);
    }
}

/// Places where secrets are kept: parts of paths, folded.
#[rustfmt::skip]
pub(super) const SECRET_PLACES: &[&str] = &[
    ".ssh", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "authorized_keys", "known_hosts", "/etc/passwd",
    "/etc/shadow", "/etc/sudoers", ".aws", ".kube", ".gnupg", ".docker/config", "mcp.json", "mcp_config",
    "claude_desktop_config", ".cursor", "credentials", ".netrc", ".npmrc", ".pypirc", ".pgpass",
    ".git-credentials", "wallet.dat", "secrets.", ".pem", ".kdbx", "private_key", "/proc/self/environ",
    "bash_history", "zsh_history", "keychain", "cookies.sqlite", "places.sqlite", "login data",
    "logins.json", "passwords.csv", "passwords.txt", ".env", "gcloud", ".azure", "keystore",
    "password-store", ".vault", ".config/gh", "local storage", "application_default_credentials",
    "terraform.tfstate", ".claude", "service-account", "service_account", ".bitcoin", ".ethereum",
    "google-chrome", "firefox", ".tfvars", ".htpasswd", "ntds.dit", "sam.hive", "config/sam",
    ".config/solana", ".p12", ".pfx", ".ppk", "token.json", "auth.json", "metadata.google.internal",
    "169.254.169.254",
];

/// Files that are known by their names alone.
#[rustfmt::skip]
pub(super) const SECRET_FILES: &[&str] = &[
    "id_rsa", "id_ed25519", "id_ecdsa", "mcp.json", "claude_desktop_config.json", "credentials.json",
    "wallet.dat", "secrets.json", "secrets.yaml", "authorized_keys", "passwords.csv", "passwords.txt",
    "logins.json", "places.sqlite", "cookies.sqlite", "known_hosts", "mcp_config.json", "ntds.dit",
    "service-account.json", "service_account.json",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_bend_as_english_does() {
        let forms = |w: &str| LEXICON.get(w).unwrap().forms;
        assert_eq!(forms("sends"), form::THIRD);
        assert_eq!(forms("copied"), form::PAST);
        assert_eq!(forms("forgetting"), form::GERUND);
        assert_eq!(forms("modifying"), form::GERUND);
        assert_ne!(forms("read") & form::BARE, 0);
        assert!(LEXICON.get("policies").is_some() && LEXICON.get("anweisungen").is_some());
        assert!(LEXICON.words.len() <= WORDS, "{} words", LEXICON.words.len());
    }

    #[test]
    fn there_is_a_bit_for_each_notion() {
        let names: std::collections::HashSet<&str> = NOTIONS.iter().map(|n| n.name).collect();
        assert!(names.len() <= 128);
        assert!(NOTIONS.iter().all(|n| notion(n.name).is_some() && !n.words.split(' ').any(str::is_empty)));
    }
}
