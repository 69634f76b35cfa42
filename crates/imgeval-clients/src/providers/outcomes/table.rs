//! The table of outcomes. Rows are looked up from the top, and the first one that fits decides, so that what a provider names
//! goes before what its status could mean.

/// What a reply means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A content filter stopped the request or the answer.
    Moderated,
    /// The model itself said no.
    Refused,
    /// Nothing came, and nobody says that it was held back.
    Empty,
    /// This request is wrong; others may be right.
    Rejected,
    /// The server has forgotten the conversation.
    Forgotten,
    NoMoney,
    NoQuota,
    DayIsOver,
    AccountUnusable,
    BadKey,
    UnknownModel,
    /// The model takes no images.
    TakesNoImages,
    /// The model makes no images.
    MakesNoImages,
    Forbidden,
    NothingHere,
    RateLimited,
    ServerFailed,
}

/// Where a fact stands and what it reads. Names are compared without case and punctuation, so that `contentFilter`,
/// `CONTENT_FILTER` and `content-filter` are one; of a name with dots each part counts too. Words are compared without case,
/// and ` ... ` stands for anything in between.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sign {
    /// The error's own code, type, reason or status name.
    Code(&'static [&'static str]),
    /// A code, also of an error that this one wraps or quotes.
    AnyCode(&'static [&'static str]),
    /// The error's own code, where the reply's status reports success.
    CodeInSuccess(&'static [&'static str]),
    /// The request's field that the error names, with one of these statuses.
    Field(&'static str, &'static [u16]),
    /// What a filter says that it found, whatever it is.
    Flag,
    /// A vendor's own sentence, which means one thing with any status.
    Sentence(&'static [&'static str]),
    /// Words that end their sentence: "does not support images", but not "does not support images over 20 MB".
    Ending(&'static [&'static str]),
    /// Words that count unless the status tells of a rate limit or a failing server.
    Words(&'static [&'static str]),
    /// The lowest and the highest status; one in the body counts where the reply's own reports success.
    Status(u16, u16),
    /// Why the answer ended.
    Finish(&'static [&'static str]),
    /// Why the prompt was blocked.
    Block(&'static [&'static str]),
    /// Any further reason why the prompt was blocked.
    OtherBlock,
}

pub(super) struct Row {
    pub(super) sign: Sign,
    pub(super) meaning: Meaning,
    /// Who says so, for the page that a test writes.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the page shows it"))]
    pub(super) source: &'static str,
}

const fn row(sign: Sign, meaning: Meaning, source: &'static str) -> Row {
    Row { sign, meaning, source }
}

const OPENAI: &str = "[OpenAI, error codes](https://platform.openai.com/docs/guides/error-codes)";
const OPENAI_SPEC: &str = "[OpenAI, OpenAPI document](https://github.com/openai/openai-openapi)";
const AZURE: &str = "[Azure, content filtering](https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter)";
const GOOGLE: &str = "[Google, generateContent](https://ai.google.dev/api/generate-content)";
const GOOGLE_ERRORS: &str = "[Google, error details](https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto)";
const GOOGLE_REASONS: &str = "[Google, error reasons](https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto)";
const GOOGLE_API: &str = "[Gemini, troubleshooting](https://ai.google.dev/gemini-api/docs/troubleshooting)";
const OPENROUTER: &str =
    "[OpenRouter, errors](https://openrouter.ai/docs/api/reference/errors-and-debugging)";
const OPENROUTER_MODELS: &str =
    "replies of OpenRouter, as in [this report](https://github.com/HKUDS/DeepTutor/issues/1348)";
const LITELLM: &str = "[LiteLLM, exception mapping](https://docs.litellm.ai/docs/exception_mapping)";
const NEW_API: &str = "[New API](https://github.com/QuantumNous/new-api)";
const LITELLM_BUDGET: &str = "[LiteLLM, budgets](https://docs.litellm.ai/docs/proxy/users)";
const DASHSCOPE: &str =
    "[Alibaba Cloud, error codes](https://www.alibabacloud.com/help/en/model-studio/error-code)";
const ARK: &str = "[Volcengine Ark, error codes](https://www.volcengine.com/docs/82379/1299023)";
const ZHIPU: &str = "[Z.AI, error codes](https://docs.z.ai/api-reference/api-code)";
const MINIMAX: &str = "[MiniMax, error codes](https://platform.minimax.io/docs/api-reference/errorcode)";
const XAI: &str = "[xAI, debugging](https://docs.x.ai/docs/key-information/debugging) and its replies";
const FAL: &str = "[fal, errors](https://docs.fal.ai/errors)";
const STABILITY: &str = "[Stability AI, API reference](https://platform.stability.ai/docs/api-reference)";
const BFL: &str = "[Black Forest Labs, errors](https://docs.bfl.ai/api_integration/errors)";
const BEDROCK: &str =
    "[Bedrock, Converse](https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html)";
const BEDROCK_IMAGES: &str = "replies of Amazon's image models in Bedrock";
const REPLICATE: &str = "replies of Replicate and of servers that run Diffusers' safety checker";
const ANTHROPIC: &str = "[Anthropic, errors](https://docs.anthropic.com/en/api/errors)";
const ANTHROPIC_STOPS: &str =
    "[Anthropic, stop reasons](https://docs.anthropic.com/en/api/handling-stop-reasons)";
const DEEPSEEK: &str = "[DeepSeek, error codes](https://api-docs.deepseek.com/quick_start/error_codes)";
const VLLM: &str = "[vLLM](https://github.com/vllm-project/vllm), and servers that word it alike";
const LLAMA_CPP: &str =
    "[llama.cpp's server](https://github.com/ggml-org/llama.cpp/tree/master/tools/server)";
const OLLAMA: &str = "[Ollama](https://github.com/ollama/ollama/issues/17301)";
const LM_STUDIO: &str = "[LM Studio](https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/362)";
const GROQ: &str = "[Groq, errors](https://console.groq.com/docs/errors) and its replies";
const HTTP: &str = "[RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#name-status-codes)";
const CLOUDFLARE: &str = "[Cloudflare, 5xx](https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/)";

/// What an error reply means. The rows of statuses at its end leave nothing open.
pub(super) const ERRORS: &[Row] = &[
    // A filter's "no".
    row(
        Sign::AnyCode(&[
            "moderation_blocked",
            "content_policy_violation",
            "content_filter",
            "image_content_policy_violation",
            "bio_policy",
            "cyber_policy",
        ]),
        Meaning::Moderated,
        OPENAI_SPEC,
    ),
    row(Sign::AnyCode(&["ResponsibleAIPolicyViolation"]), Meaning::Moderated, AZURE),
    row(Sign::AnyCode(&["ContentPolicyViolationError"]), Meaning::Moderated, LITELLM),
    row(Sign::AnyCode(&["sensitive_words_detected"]), Meaning::Moderated, NEW_API),
    row(Sign::AnyCode(&["DataInspectionFailed", "IPInfringementSuspect"]), Meaning::Moderated, DASHSCOPE),
    row(
        Sign::AnyCode(&[
            "InputTextSensitiveContentDetected",
            "InputImageSensitiveContentDetected",
            "OutputTextSensitiveContentDetected",
            "OutputImageSensitiveContentDetected",
            "SensitiveContentDetected",
            "InputTextRiskDetection",
            "InputImageRiskDetection",
            "OutputTextRiskDetection",
            "OutputImageRiskDetection",
        ]),
        Meaning::Moderated,
        ARK,
    ),
    row(Sign::Code(&["1301"]), Meaning::Moderated, ZHIPU),
    row(Sign::Code(&["1026", "1027"]), Meaning::Moderated, MINIMAX),
    row(Sign::AnyCode(&["content_moderation"]), Meaning::Moderated, STABILITY),
    row(Sign::AnyCode(&["Request Moderated", "Content Moderated"]), Meaning::Moderated, BFL),
    row(Sign::Flag, Meaning::Moderated, OPENROUTER),
    row(
        Sign::Sentence(&[
            "rejected as a result of our safety system",
            "rejected by the safety system",
            "flagged as potentially violating our usage policy",
        ]),
        Meaning::Moderated,
        OPENAI,
    ),
    row(
        Sign::Sentence(&[
            "triggering ... content management policy",
            "triggered ... content management policy",
        ]),
        Meaning::Moderated,
        AZURE,
    ),
    row(
        Sign::Sentence(&["rejected by content moderation", "content violates usage guidelines"]),
        Meaning::Moderated,
        XAI,
    ),
    row(
        Sign::Sentence(&[
            "violate google's responsible ai practices",
            "violated google's generative ai prohibited use policy",
        ]),
        Meaning::Moderated,
        GOOGLE,
    ),
    row(
        Sign::Sentence(&["violated moderation policy", "violated guardrail policy"]),
        Meaning::Moderated,
        LITELLM,
    ),
    row(Sign::Sentence(&["data may contain inappropriate content"]), Meaning::Moderated, DASHSCOPE),
    row(
        Sign::Sentence(&[
            "image may contain sensitive information",
            "text may contain sensitive information",
        ]),
        Meaning::Moderated,
        ARK,
    ),
    row(Sign::Sentence(&["flagged by a content checker"]), Meaning::Moderated, FAL),
    row(Sign::Sentence(&["blocked by our content filters"]), Meaning::Moderated, BEDROCK_IMAGES),
    row(
        Sign::Words(&[
            "nsfw content detected",
            "nsfw content was detected",
            "nsfw content has been detected",
            "potential nsfw content",
            "contains nsfw content",
        ]),
        Meaning::Moderated,
        REPLICATE,
    ),
    row(
        Sign::Words(&[
            "content policy violation",
            "violates our content policy",
            "violates our usage policies",
            "violates our usage policy",
            "flagged by our moderation",
            "flagged by content moderation",
            "flagged as inappropriate",
            "blocked by content moderation",
            "blocked by the content filter",
            "blocked by content filter",
            "blocked by the safety filter",
        ]),
        Meaning::Moderated,
        "words of proxies that drop the codes of the vendors above",
    ),
    // A model without eyes, or without a brush.
    row(
        Sign::Sentence(&["is not a multimodal model", "at most 0 image(s) may be provided"]),
        Meaning::TakesNoImages,
        VLLM,
    ),
    row(
        Sign::Sentence(&["no endpoints found that support image input"]),
        Meaning::TakesNoImages,
        OPENROUTER_MODELS,
    ),
    row(Sign::Sentence(&["image_url is only supported by certain models"]), Meaning::TakesNoImages, OPENAI),
    row(Sign::Sentence(&["image input is not supported - hint"]), Meaning::TakesNoImages, LLAMA_CPP),
    row(Sign::Sentence(&["missing data required for image input"]), Meaning::TakesNoImages, OLLAMA),
    row(Sign::Sentence(&["image input modality is not enabled for"]), Meaning::TakesNoImages, GOOGLE_API),
    row(Sign::Sentence(&["unknown variant `image_url`, expected `text`"]), Meaning::TakesNoImages, DEEPSEEK),
    row(
        Sign::Sentence(&["content must be a string", "content' : value must be a string"]),
        Meaning::TakesNoImages,
        GROQ,
    ),
    row(
        Sign::Sentence(&["allowed values: ['text']", "unsupported content type 'image_url'"]),
        Meaning::TakesNoImages,
        "replies of servers that take text alone",
    ),
    row(Sign::Ending(&["not support images", "n't support images"]), Meaning::TakesNoImages, LM_STUDIO),
    row(
        Sign::Ending(&[
            "not support image input",
            "not support image inputs",
            "n't support image input",
            "n't support image inputs",
            "not support multimodal input",
            "not support multimodal inputs",
            "not support vision",
            "n't support vision",
            "image input is not supported",
            "image inputs are not supported",
            "image input is not supported by this model",
            "image inputs are not supported by this model",
            "images are not supported by this model",
            "image content blocks are not supported by this model",
            "is not a vision model",
            "input_image is not supported by this model",
            "image_url is not supported by this model",
            "inline_data is not supported for this model",
            "only supports text input",
            "only text input is supported",
        ]),
        Meaning::TakesNoImages,
        "[Ollama](https://github.com/ollama/ollama/issues/17301) and others",
    ),
    row(
        Sign::Sentence(&["no endpoints found that support the requested output modalities"]),
        Meaning::MakesNoImages,
        OPENROUTER_MODELS,
    ),
    row(
        Sign::Sentence(&["does not support the requested response modalities"]),
        Meaning::MakesNoImages,
        GOOGLE_API,
    ),
    // The account.
    row(
        Sign::Code(&[
            "insufficient_quota",
            "billing_hard_limit_reached",
            "billing_not_active",
            "insufficient_credits",
        ]),
        Meaning::NoMoney,
        OPENAI,
    ),
    row(Sign::Code(&["insufficient_user_quota"]), Meaning::NoMoney, NEW_API),
    row(Sign::Code(&["budget_exceeded", "ExceededBudget"]), Meaning::NoMoney, LITELLM_BUDGET),
    row(Sign::Code(&["Arrearage"]), Meaning::NoMoney, DASHSCOPE),
    row(Sign::Code(&["AccountOverdueError"]), Meaning::NoMoney, ARK),
    row(Sign::Code(&["1113"]), Meaning::NoMoney, ZHIPU),
    row(Sign::Code(&["1008"]), Meaning::NoMoney, MINIMAX),
    row(Sign::Sentence(&["credits are depleted"]), Meaning::NoMoney, GOOGLE_API),
    row(Sign::Sentence(&["credit balance is too low"]), Meaning::NoMoney, ANTHROPIC),
    row(Sign::Sentence(&["insufficient balance"]), Meaning::NoMoney, DEEPSEEK),
    row(
        Sign::Sentence(&[
            "used all available credits or reached its monthly spending limit",
            "doesn't have any credits",
        ]),
        Meaning::NoMoney,
        XAI,
    ),
    row(Sign::Status(402, 402), Meaning::NoMoney, OPENROUTER),
    row(Sign::Code(&["quotaValue=0"]), Meaning::NoQuota, GOOGLE_ERRORS),
    row(Sign::Code(&["quotaId=PerDay"]), Meaning::DayIsOver, GOOGLE_ERRORS),
    row(
        Sign::Code(&[
            "API_KEY_INVALID",
            "API_KEY_SERVICE_BLOCKED",
            "API_KEY_HTTP_REFERRER_BLOCKED",
            "API_KEY_IP_ADDRESS_BLOCKED",
            "API_KEY_ANDROID_APP_BLOCKED",
            "API_KEY_IOS_APP_BLOCKED",
        ]),
        Meaning::BadKey,
        GOOGLE_REASONS,
    ),
    row(
        Sign::Code(&["invalid_api_key", "invalid_authentication", "account_deactivated"]),
        Meaning::BadKey,
        OPENAI,
    ),
    row(Sign::Code(&["token_not_found_in_db", "expired_key"]), Meaning::BadKey, LITELLM),
    row(Sign::Code(&["1004", "2049"]), Meaning::BadKey, MINIMAX),
    row(Sign::Sentence(&["incorrect api key provided"]), Meaning::BadKey, XAI),
    row(Sign::Sentence(&["api key not valid. please pass a valid api key"]), Meaning::BadKey, GOOGLE_API),
    row(Sign::Status(401, 401), Meaning::BadKey, HTTP),
    row(Sign::Code(&["FAILED_PRECONDITION"]), Meaning::AccountUnusable, GOOGLE_API),
    // The model.
    row(Sign::Code(&["model_not_found", "invalid_model", "unknown_model"]), Meaning::UnknownModel, OPENAI),
    row(Sign::Field("model", &[400, 404, 422]), Meaning::UnknownModel, OPENAI),
    row(
        Sign::Sentence(&["the model ` ... ` does not exist", "the model ... does not exist or your team"]),
        Meaning::UnknownModel,
        VLLM,
    ),
    row(Sign::Sentence(&["model ... not found, try pulling it first"]), Meaning::UnknownModel, OLLAMA),
    row(
        Sign::Sentence(&["is not a valid model id", "no endpoints found for"]),
        Meaning::UnknownModel,
        OPENROUTER,
    ),
    row(Sign::Sentence(&["invalid model name passed in model="]), Meaning::UnknownModel, LITELLM),
    row(Sign::Sentence(&["model not exist"]), Meaning::UnknownModel, DEEPSEEK),
    // The conversation and the request.
    row(Sign::Code(&["previous_response_not_found"]), Meaning::Forgotten, OPENAI_SPEC),
    row(
        Sign::Code(&[
            "invalid_image",
            "invalid_image_format",
            "invalid_base64_image",
            "invalid_image_url",
            "image_too_large",
            "image_too_small",
            "image_parse_error",
            "invalid_image_mode",
            "image_file_too_large",
            "unsupported_image_media_type",
            "empty_image_file",
        ]),
        Meaning::Rejected,
        OPENAI_SPEC,
    ),
    // Errors under a status of success.
    row(
        Sign::CodeInSuccess(&["authentication_error", "AuthenticationError", "UNAUTHENTICATED"]),
        Meaning::BadKey,
        ANTHROPIC,
    ),
    row(
        Sign::CodeInSuccess(&["permission_error", "PermissionDeniedError", "PERMISSION_DENIED"]),
        Meaning::Forbidden,
        ANTHROPIC,
    ),
    row(
        Sign::CodeInSuccess(&[
            "rate_limit_exceeded",
            "rate_limit_error",
            "RateLimitError",
            "too_many_requests",
            "RESOURCE_EXHAUSTED",
            "Throttling",
        ]),
        Meaning::RateLimited,
        OPENAI,
    ),
    row(Sign::CodeInSuccess(&["1302", "1303"]), Meaning::RateLimited, ZHIPU),
    row(Sign::CodeInSuccess(&["1002"]), Meaning::RateLimited, MINIMAX),
    row(
        Sign::CodeInSuccess(&[
            "invalid_request_error",
            "BadRequestError",
            "INVALID_ARGUMENT",
            "InvalidParameter",
            "UnprocessableEntityError",
            "validation_error",
        ]),
        Meaning::Rejected,
        OPENAI,
    ),
    // The status.
    row(Sign::Status(403, 403), Meaning::Forbidden, HTTP),
    row(Sign::Status(404, 405), Meaning::NothingHere, HTTP),
    row(Sign::Status(429, 429), Meaning::RateLimited, HTTP),
    row(Sign::Status(408, 409), Meaning::ServerFailed, OPENAI),
    row(Sign::Status(425, 425), Meaning::ServerFailed, HTTP),
    row(Sign::Status(499, 599), Meaning::ServerFailed, CLOUDFLARE),
    row(Sign::Status(400, 498), Meaning::Rejected, HTTP),
    row(Sign::Status(0, 399), Meaning::ServerFailed, OPENROUTER),
    row(Sign::Status(600, u16::MAX), Meaning::ServerFailed, "not a status that HTTP knows"),
];

/// Codes that mean this with one interface alone.
pub(super) const RESPONSES_ERRORS: &[Row] =
    &[row(Sign::AnyCode(&["invalid_prompt"]), Meaning::Moderated, OPENAI_SPEC)];

/// What it means that an answer ended as it did, where it holds nothing of use. Of several reasons a filter's counts before a
/// refusal, and that before a failing server. Reasons without a row, such as `stop`, `length`, `OTHER`, `NO_IMAGE` and
/// `IMAGE_OTHER`, leave `empty-reply`, or `refused` where words came instead of an image.
pub(super) const ENDINGS: &[Row] = &[
    row(Sign::Finish(&["content_filter", "content_filtered"]), Meaning::Moderated, OPENAI_SPEC),
    row(
        Sign::Finish(&[
            "SAFETY",
            "IMAGE_SAFETY",
            "PROHIBITED_CONTENT",
            "IMAGE_PROHIBITED_CONTENT",
            "BLOCKLIST",
            "SPII",
            "RECITATION",
            "IMAGE_RECITATION",
        ]),
        Meaning::Moderated,
        GOOGLE,
    ),
    row(
        Sign::Finish(&["JAILBREAK", "MODEL_ARMOR"]),
        Meaning::Moderated,
        "[Vertex AI, BlockedReason](https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse)",
    ),
    row(Sign::Finish(&["guardrail_intervened"]), Meaning::Moderated, BEDROCK),
    row(
        Sign::Finish(&["sensitive"]),
        Meaning::Moderated,
        "[Z.AI, chat completion](https://docs.z.ai/api-reference/llm/chat-completion)",
    ),
    row(
        Sign::Finish(&["ERROR_TOXIC"]),
        Meaning::Moderated,
        "[Cohere, chat](https://docs.cohere.com/reference/chat)",
    ),
    row(Sign::Finish(&["refusal"]), Meaning::Refused, ANTHROPIC_STOPS),
    row(Sign::Finish(&["error"]), Meaning::ServerFailed, OPENROUTER),
    row(Sign::Finish(&["abort", "aborted"]), Meaning::ServerFailed, VLLM),
    row(
        Sign::Finish(&["network_error"]),
        Meaning::ServerFailed,
        "[Z.AI, chat completion](https://docs.z.ai/api-reference/llm/chat-completion)",
    ),
    row(Sign::Block(&["BLOCK_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED"]), Meaning::Empty, GOOGLE),
    row(Sign::OtherBlock, Meaning::Moderated, GOOGLE),
    row(Sign::Flag, Meaning::Moderated, AZURE),
];

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn place(sign: Sign) -> (&'static str, String) {
        let list = |values: &[&str]| {
            values.iter().map(|value| format!("`` {value} ``")).collect::<Vec<_>>().join(", ")
        };
        match sign {
            Sign::Code(names) => ("code", list(names)),
            Sign::AnyCode(names) => ("code, also wrapped", list(names)),
            Sign::CodeInSuccess(names) => ("code, status below 400", list(names)),
            Sign::Field(name, statuses) => ("field", format!("`` {name} `` with {statuses:?}")),
            Sign::Flag => ("flag", "whatever a filter found".to_owned()),
            Sign::Sentence(phrases) => ("sentence", list(phrases)),
            Sign::Ending(phrases) => ("end of a sentence", list(phrases)),
            Sign::Words(phrases) => ("words, neither 429 nor 5xx", list(phrases)),
            Sign::Status(lowest, highest) if lowest == highest => ("status", lowest.to_string()),
            Sign::Status(0, highest) => ("status", format!("up to {highest}")),
            Sign::Status(lowest, u16::MAX) => ("status", format!("from {lowest}")),
            Sign::Status(lowest, highest) => ("status", format!("{lowest} to {highest}")),
            Sign::Finish(reasons) => ("finish reason", list(reasons)),
            Sign::Block(reasons) => ("block reason", list(reasons)),
            Sign::OtherBlock => ("block reason", "any other".to_owned()),
        }
    }

    fn outcome(meaning: Meaning) -> &'static str {
        match meaning {
            Meaning::Moderated => "`moderated`",
            Meaning::Refused => "`refused`",
            Meaning::Empty => "no block: `empty-reply`",
            Meaning::Rejected => "`rejected-request`",
            Meaning::Forgotten => "sent again in full once, then `rejected-request`",
            Meaning::NoMoney => "**stop**: no money left",
            Meaning::NoQuota => "**stop**: no quota for this model",
            Meaning::DayIsOver => "**stop**: the daily quota is used up",
            Meaning::AccountUnusable => "**stop**: the account cannot be used",
            Meaning::BadKey => "**stop**: bad key",
            Meaning::UnknownModel => "**stop**: unknown model",
            Meaning::TakesNoImages => "**stop**: the model does not accept images",
            Meaning::MakesNoImages => "**stop**: the model does not generate images",
            Meaning::Forbidden => "**stop**: not allowed",
            Meaning::NothingHere => "**stop**: wrong address",
            Meaning::RateLimited => "rate limit: waits",
            Meaning::ServerFailed => "server's failure: asked again, then `transport`",
        }
    }

    fn render(rows: &[&[Row]]) -> String {
        let mut table = "| where | what | outcome | source |\n|---|---|---|---|\n".to_owned();
        for row in rows.iter().copied().flatten() {
            let (place, what) = place(row.sign);
            writeln!(table, "| {place} | {what} | {} | {} |", outcome(row.meaning), row.source).unwrap();
        }
        table
    }

    /// With `UPDATE_DOCS` set the tables are written instead.
    #[test]
    fn the_tables_in_the_documentation_are_true() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/providers/outcomes.md");
        let mut text = std::fs::read_to_string(path).unwrap();
        for (name, rows) in
            [("errors", [ERRORS].as_slice()), ("responses", &[RESPONSES_ERRORS]), ("endings", &[ENDINGS])]
        {
            let begin = format!("<!-- begin {name} -->\n");
            let start = text.find(&begin).unwrap() + begin.len();
            let stop = start + text[start..].find(&format!("<!-- end {name} -->")).unwrap();
            if std::env::var_os("UPDATE_DOCS").is_some() {
                text.replace_range(start..stop, &render(rows));
            } else {
                assert_eq!(text[start..stop], render(rows), "{name}");
            }
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn every_row_names_its_source_and_is_written_as_it_is_compared() {
        for row in ERRORS.iter().chain(RESPONSES_ERRORS).chain(ENDINGS) {
            assert!(!row.source.is_empty());
            if let Sign::Sentence(phrases) | Sign::Ending(phrases) | Sign::Words(phrases) = row.sign {
                for phrase in phrases {
                    assert_eq!(*phrase, phrase.to_lowercase(), "messages are compared in lower case");
                }
            }
        }
    }

    #[test]
    fn every_status_has_a_row() {
        for status in 0..=u16::MAX {
            let is_in =
                |row: &&Row| matches!(row.sign, Sign::Status(low, high) if (low..=high).contains(&status));
            assert!(ERRORS.iter().any(|row| is_in(&row)), "{status}");
        }
    }
}
