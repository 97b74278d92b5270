// The words by which reports that are written for people are known: that it is one, that nothing has ended yet, that
// a machine answers, and - in the languages whose letters the rules of replies do not know - what was the matter.
// Data only; how they are used is decided in prose.ts and read-report.ts. All are tried on plain text (see plainOf).
import type { Reason } from "./reason.ts";

/** Opening words of mail programs that could not deliver. In the first lines of the text; each family's own. */
export const SAYS_FAILED: readonly { family: string; pattern: RegExp }[] = [
  {
    family: "qmail",
    pattern: /this is the \S{1,40}-send program at|wasn't able to deliver your message to the following/,
  },
  {
    family: "qmail",
    pattern: /your mail message to the following address(?:\(es\)|es)? could not be delivered/,
  },
  {
    family: "postfix",
    pattern:
      /this is the (?:\S{1,30} )?(?:mail system|\S{1,30} program) at host|i'm sorry to have to inform you that/,
  },
  {
    family: "exim",
    pattern:
      /this message was created automatically by (?:the )?(?:mail delivery|\S{1,40})|a message that you sent (?:could not be|has not yet been) delivered|could not be delivered to (?:one or more of its|all of its|the following)/,
  },
  {
    family: "sendmail",
    pattern:
      /the following addresses had (?:permanent|transient|fatal|delivery|successful)|transcript of session follows|the original message was received at/,
  },
  {
    family: "courier",
    pattern: /this is a delivery status notification from|running the courier mail server|undeliverable mail/,
  },
  {
    family: "exchange",
    pattern:
      /did not reach (?:the following|some or all of the intended)|delivery has failed to th(?:ese|e following) recipients?|your message (?:couldn't|could not|wasn't|was not|to .{1,200} (?:couldn't|could not|wasn't)) be? ?delivered|this is an automatically generated delivery status notification|delivery to the following recipients? (?:failed|has been delayed|was aborted)/,
  },
  { family: "notes", pattern: /failure reasons -|(?:was not|wasn't) delivered to:|lotus notes|ndn:/ },
  {
    family: "google",
    pattern:
      /delivery to the following recipients? failed|wasn't delivered to|message (?:blocked|not delivered)|address not found|google tried to deliver|the group you tried to contact|may not exist, or you may not have permission to post/,
  },
  { family: "yahoo", pattern: /we were unable to deliver your message|unable to deliver message to/ },
  {
    family: "gateway",
    pattern:
      /the following addresses had (?:delivery )?(?:errors|problems)|had trouble delivering your message|message non-deliverable|your message could not be sent/,
  },
  {
    family: "messaging-server",
    pattern:
      /your message cannot be delivered to the following|this report relates to a message you sent|has been enqueued and undeliverable/,
  },
  {
    family: "imail",
    pattern:
      /^(?:unknown user|user mailbox exceeds allowed size|delivery failed \d{1,4} attempts|invalid final delivery userid|undeliverable to)\b/,
  },
  {
    family: "mailer",
    pattern:
      /this is the (?:dragonfly mail agent|mailer-daemon|dma)|there was an error delivering your mail|an error has occurred while attempting to deliver/,
  },
  {
    family: "verizon",
    pattern: /error message below:|message could not be delivered to mobile|no valid recipients for this mm/,
  },
  {
    family: "kddi",
    pattern: /your mail sent on:|could not be delivered to: |each of the following recipients was rejected/,
  },
  {
    family: "other",
    pattern:
      /(?:message|mail|e-?mail) (?:that you sent )?(?:could not|couldn't|can ?not|can't|was not able to|has not been|failed to) be (?:delivered|sent)|undeliverable (?:message|mail|to|e-?mail)|unable to deliver (?:your |the |this |mail|message)|delivery (?:of the following|to the following|failed|failure|error)|returned to sender|failed to (?:deliver|be delivered)|was undeliverable|the following recipients? (?:was|were|could not|cannot|failed)|mail could not be delivered|could not deliver (?:your|the|mail|message)|user's mailbox is full|unrouteable address|non ?delivery (?:report|notification)|(?:bounced|returned|rejected) (?:message|mail)|was considered unsolicited bulk/,
  },
  {
    family: "french",
    pattern:
      /n'a (?:pas )?pu etre (?:remis|delivre|transmis|envoye)|n'ont pas pu etre|non remis|echec de (?:la )?(?:remise|distribution|livraison)|n'a pas ete (?:remis|delivre|distribue)|impossible de (?:remettre|delivrer|distribuer|livrer)|message non (?:delivre|distribue|remis)/,
  },
  {
    family: "german",
    pattern:
      /konnte nicht (?:zugestellt|ausgeliefert|ubermittelt|gesendet)|nicht zustellbar|unzustellbar|zustellung (?:fehlgeschlagen|nicht moglich)|fehler bei der zustellung|nicht zugestellt werden/,
  },
  {
    family: "spanish",
    pattern:
      /no (?:se )?(?:ha podido|pudo|ha sido posible|fue posible|puede) (?:ser )?(?:entrega|envia)|no entregado|error (?:al|de|en la) (?:entreg|envi)|no se puede entregar|devuelto al remitente/,
  },
  {
    family: "italian",
    pattern:
      /non (?:e stato possibile|puo essere|e stato|ha potuto) .{0,30}(?:consegna|recapita)|mancata consegna|impossibile (?:consegnare|recapitare)|messaggio non (?:consegnato|recapitato)/,
  },
  {
    family: "portuguese",
    pattern:
      /nao (?:foi possivel|pode ser|foi|p[ou]de ser) (?:a )?(?:entreg|envia)|falha na entrega|nao entregue|nao entregavel/,
  },
  {
    family: "dutch",
    pattern: /kon niet (?:worden )?(?:afgeleverd|bezorgd)|niet (?:bezorgd|afgeleverd)|onbestelbaar/,
  },
  { family: "polish", pattern: /nie (?:moze|mogla|mogl|zosta[lł]a?) .{0,20}(?:dostarczon)|niedostarczon/ },
  {
    family: "nordic",
    pattern:
      /kunne ikke leveres|kunde inte levereras|kunne ikke sendes|ei voitu toimittaa|gick inte att leverera/,
  },
  {
    family: "russian",
    pattern:
      /не может быть доставлено|не было доставлено|не доставлено|недоставленное|не может\s{1,4}быть отправлено/,
  },
  {
    family: "japanese",
    pattern:
      /送信できません|送信できなかった|配信できません|配送できません|お届けできません|届けられません|送信に失敗|配信に失敗|宛先.{0,10}存在しない|グループ.{0,30}存在しない|メッセージを配信|エラーメール|配信不能/,
  },
  { family: "chinese", pattern: /无法投递|退信|投递失败|无法送达|無法投遞|無法傳送|未能送达|系统退信/ },
  { family: "korean", pattern: /전송(?:할 수 없|에 실패)|배달(?:되지|할 수 없)|반송/ },
];

/** Subjects of reports, in the languages of the mail programs that write them. */
export const SUBJECT_FAILED =
  /(?:mail|message|delivery|e-?mail)(?: \S{1,20})?(?: status)? (?:failed|failure|error|notification|delivery failed|system error|report|problem)|failure notice|undeliver(?:ed|able)|returned (?:mail|e-?mail|message)|return(?:ed|ing) (?:message )?to (?:the )?sender|delivery (?:status )?notification|non-?delivery|delivery (?:has )?failed|(?:mail|message) could not be|could not be delivered|(?:mail|message) delivery|mail status report|rejected (?:mail|message|email|posting|by)|bounce|permanent(?: fatal)? error|fatal error|user unknown|unknown (?:user|recipient)|can ?not (?:be )?(?:send|deliver)|could not send|notice: mail|nicht zugestellt|unzustellbar|zustell|non remis|non delivre|echec|notification d'etat|no entrega|no se (?:ha|puede|pudo)|devuelto|mancata consegna|impossibile|nao entregue|falha|onbestelbaar|недостав|не доставлен|возврат|配信|配送|不達|エラー|戻|送信|退信|投递|반송|ndn:|considered unsolicited|not member article|reject mail/;

/** Nothing has ended yet: it is still tried. */
export const SAYS_DELAYED =
  /has not yet been delivered|(?:has|have|is|was|been) (?:been )?delayed|\bdelayed (?:mail|for|\d)|\(delay\)|will (?:be retried|continue to (?:try|be)|keep trying)|still being (?:retried|tried|queued)|this is (?:only )?a warning|warning message only|could not send message for (?:the )?past|delivery attempts will continue|need not resend|do not need to re-?send|temporary failure report|undeliverable for \d|delay(?:ed)? notification|verzogert|retarde|en attente de remise|se ha retrasado|entrega retrasada|ritardo|atrasad/;
/** It has ended all the same, though a delay is spoken of. */
export const SAYS_ENDED =
  /given up|giving up|permanent(?:ly)? (?:error|failure|fail|fatal)|failed permanently|has failed|too long in the queue|in the queue too long|retry timeout exceeded|could not be delivered to one or more/;

/** Mailboxes that programs write reports from. */
export const DAEMONS =
  /^(?:mailer-?daemon|post_?master|\S{1,60}-admin|mail(?:er)?|mdaemon|mail-?deliver\S{0,60}|daemon|bounces?\S{0,60}|mailerdaemon|poostmaster|no-?reply|postmaster\S{0,60}|ndr|sysadmin|administrator|mail-?system|maildaemon|mailsystem|mailsweeper|amavis|virus\S{0,60})@/;

/** What a machine answers for somebody who is away; tried on subjects. */
export const SUBJECT_AUTO_REPLY =
  /^(?:re|aw|sv|fwd?)?:? ?\[?(?:auto(?:matic|mated|matically|matisch\S{0,3})?[-_ :]{0,3}(?:reply|response|respon[sd]er|answer|antwort|generated reply|antwoord|svar)|auto-?re(?:ply)?\b|out[- ]of[- ](?:the[- ])?office|ooo\b|(?:on )?(?:vacation|holiday|annual leave|maternity leave|parental leave)|away from|i am (?:away|out|on)|i'm (?:away|out|on)|abwesen|nicht im (?:buro|haus)|im urlaub|urlaub|reponse automatique|message automatique d'absence|absen(?:t|ce)|en conges|conge|hors du bureau|respuesta automatica|fuera de (?:la )?oficina|ausen|de vacaciones|contestacion automatica|risposta automatica|fuori (?:sede|ufficio)|assen(?:te|za)|in ferie|resposta automatica|fora do escritorio|ferias|automatisch antwoord|afwezig|autosvar|automatiskt svar|automatisk svar|franvaro|fravaer|automaattinen vastaus|poissa|odpowiedz automatyczna|automatyczna odpowiedz|poza biurem|nieobecn|automaticka odpoved|odpoved v nepritomnosti|автоответ|автоматический ответ|автоматична|自動返信|自動応答|自動回答|不在|自动回复|自動回覆|자동 ?(?:응답|회신))/;

/** A machine holds the mail back until a person proves to be one; tried on subject and the first lines. */
export const ASKS_TO_CONFIRM =
  /(?:please )?(?:confirm|verify|validate|authenticate|authorize) (?:your|that|this|the) (?:e-?mail|message|identity|address|delivery|mail|sender|you are)|(?:confirmation|verification|authentication|authorization) (?:is )?(?:required|requested|needed|request)|challenge[-/ ]response|click .{0,60}(?:to (?:deliver|release|confirm|verify)|so that)|your (?:message|mail|e-?mail) (?:is|has been) (?:being )?(?:held|quarantined|on hold)|awaiting (?:your )?(?:confirmation|verification|approval)|spam ?arrest|boxbe|mailinblack|tmda|bluebottle|mailblocks|vanquish|sendio|confirmez .{0,30}(?:envoi|message|adresse|identite)|demande d'authentification|bestatigen sie .{0,40}(?:nachricht|absender|e-?mail)|posting by non-members|awaits moderator approval/;

/** What was the matter, in letters that the rules of replies do not know. First fit wins; tried on plain text. */
export const FOREIGN: readonly { pattern: RegExp; reason: Reason; examples: readonly string[] }[] = [
  {
    pattern:
      /(?:メールボックス|容量).{0,20}(?:一杯|いっぱい|満杯|超え|超過|オーバー)|容量制限|ящик переполнен|превышена квота|邮箱.{0,6}(?:已满|空间不足)|信箱.{0,6}已滿|용량.{0,8}초과/,
    reason: "mailbox-full",
    examples: ["宛先のメールボックスが一杯です。", "почтовый ящик переполнен", "对方邮箱已满"],
  },
  {
    pattern: /グループ.{0,40}(?:存在しない|権限がない)|投稿する権限|権限がありません|拒否され/,
    reason: "policy",
    examples: ["グループが存在しないか、投稿する権限がない可能性があります"],
  },
  {
    pattern:
      /(?:ドメイン|ホスト)(?:名)?.{0,16}(?:存在しない|存在しません|見つかりません|不明)|домен.{0,20}не (?:найден|существует)|域名.{0,8}(?:不存在|无法解析)/,
    reason: "host-unknown",
    examples: ["ホストが見つかりません。", "домен получателя не найден", "域名不存在"],
  },
  {
    pattern:
      /(?:ユーザ|宛先|アドレス|受信者|あて先).{0,24}(?:存在しない|存在しません|見つかりません|不明|ありません|間違|誤)|(?:пользовател|адрес|получател|ящик).{0,20}(?:не найден|не существует|неизвестен)|(?:用户|收件人|地址|账号|用戶).{0,10}(?:不存在|未找到|有误)|(?:사용자|수신자|계정).{0,10}(?:없|존재하지)/,
    reason: "user-unknown",
    examples: ["宛先のユーザが見つかりません。", "пользователь не найден", "收件人不存在"],
  },
  {
    pattern: /(?:サイズ|大き).{0,16}(?:超え|超過|すぎ)|слишком большо|邮件.{0,6}(?:过大|太大)/,
    reason: "too-big",
    examples: ["メールのサイズが制限を超えています。", "сообщение слишком большое", "邮件过大"],
  },
  {
    pattern: /迷惑メール|スパム|спам|垃圾邮件|스팸/,
    reason: "spam",
    examples: ["迷惑メールと判定されました。", "письмо похоже на спам"],
  },
  {
    pattern: /タイムアウト|接続できません|時間内に|время ожидания|連接逾時|连接超时/,
    reason: "network",
    examples: ["相手のサーバに接続できませんでした 接続できません", "连接超时"],
  },
];
