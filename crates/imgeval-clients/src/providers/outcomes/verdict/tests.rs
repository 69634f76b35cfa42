use serde_json::json;

use super::*;

fn verdict(kind: ProviderKind, status: u16, json: Value) -> Verdict {
    judge(kind, "some-model", &Reply { status, json, text: String::new() }, || Holds::Nothing)
}

fn of_images(status: u16, json: Value) -> Verdict {
    verdict(ProviderKind::OpenaiImages, status, json)
}

/// A verdict in a word, for tables.
fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Answer => "answer",
        Verdict::Failed(failure) => failure.kind.code(),
        Verdict::Forgotten(_) => "forgotten",
        Verdict::Down(_) => "down",
        Verdict::RateLimited(_) => "rate-limit",
        Verdict::ServerFailed(_) => "server",
    }
}

fn down(verdict: Verdict) -> ProviderDown {
    let Verdict::Down(down) = verdict else { panic!("{verdict:?}") };
    down
}

#[test]
fn a_filters_no_is_moderated_however_it_is_wrapped() {
    let openai = json!({"code": "moderation_blocked", "message": "no"});
    let quoted = json!({"error": {"code": "content_policy_violation", "message": "no"}}).to_string();
    for (status, reply) in [
        (400, json!({"error": openai})),
        (400, json!([{"error": openai}])),
        (400, json!({"detail": {"error": openai}})),
        (200, json!({"choices": [{"error": openai, "message": {"content": ""}}]})),
        // Azure, in several ages and spellings.
        (400, json!({"error": {"code": "contentFilter", "message": "no"}})),
        (
            400,
            json!({"error": {"code": null, "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."}}),
        ),
        (
            400,
            json!({"error": {"code": "BadRequest", "message": "no", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
        ),
        (
            400,
            json!({"error": {"code": "400", "inner_error": {"code": "ResponsibleAIPolicyViolation", "content_filter_results": {"hate": {"filtered": false}}}}}),
        ),
        (
            400,
            json!({"error": {"message": "no", "innererror": {"content_filter_result": {"violence": {"filtered": true, "severity": "high"}}}}}),
        ),
        // LiteLLM and others quote the upstream's reply in their message.
        (
            400,
            json!({"error": {"code": "400", "type": null, "message": format!("litellm.BadRequestError: XException - {quoted}")}}),
        ),
        (500, json!({"error": {"message": format!("upstream answered: {}", json!(quoted))}})),
        (
            400,
            json!({"error": {"message": "Error code: 400 - {'error': {'message': 'no', 'type': 'invalid_request_error', 'code': 'content_policy_violation'}}"}}),
        ),
        (400, json!({"error": {"message": "litellm.ContentPolicyViolationError: no"}})),
        (
            502,
            json!({"error": {"code": 502, "message": "Provider returned error", "metadata": {"raw": quoted}}}),
        ),
        // OpenRouter.
        (403, json!({"error": {"code": 403, "message": "no", "metadata": {"reasons": ["violence"]}}})),
        (403, json!({"error": {"code": 403, "message": "no", "metadata": {"flagged_input": "a c..."}}})),
        // xAI words errors as strings.
        (
            400,
            json!({"code": "Client specified an invalid argument", "error": "Generated image rejected by content moderation."}),
        ),
        (
            403,
            json!({"code": "The caller does not have permission", "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_X"}),
        ),
        // Success that is none.
        (200, json!({"success": false, "detail": "NSFW content detected"})),
        (200, json!({"success": false, "message": "Potential NSFW content was found."})),
        (
            200,
            json!({"success": false, "errors": [{"code": 9001, "message": "blocked by the content filter"}]}),
        ),
        (200, json!({"error": "NSFW content detected. Try again."})),
        (200, json!({"base_resp": {"status_code": 1026, "status_msg": "sensitive"}})),
        (200, json!({"data": [{"error": {"code": "OutputImageSensitiveContentDetected", "message": "no"}}]})),
        (
            422,
            json!({"detail": [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation"}]}),
        ),
        // Others.
        (
            400,
            json!({"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content.", "request_id": "x"}),
        ),
        (
            400,
            json!({"error": {"code": "InputTextSensitiveContentDetected.PolicyViolation", "message": "no"}}),
        ),
        (400, json!({"error": {"code": "1301", "message": "no"}})),
        (403, json!({"id": "x", "name": "content_moderation", "errors": ["no"]})),
        (200, json!({"id": "x", "status": "Request Moderated", "error": "moderated", "result": null})),
    ] {
        assert_eq!(name(&of_images(status, reply.clone())), "moderated", "{status} {reply}");
    }
}

#[test]
fn errors_that_only_speak_of_filters_are_none() {
    for (status, reply, expected) in [
        (500, json!({"error": {"message": "The safety system is not available"}}), "server"),
        (503, json!({"error": "content moderation service unavailable"}), "server"),
        (500, json!({"error": "see the log, which may contain sensitive information"}), "server"),
        (500, json!({"error": {"message": "failed to load the NSFW content detector"}}), "server"),
        (500, json!({"detail": "blocked by content filter thread: timeout"}), "server"),
        (429, json!({"error": {"message": "Too many requests to content moderation"}}), "rate-limit"),
        (400, json!({"error": {"message": "safety_tolerance must be between 0 and 6"}}), "rejected-request"),
        (
            400,
            json!({"error": {"code": "invalid_value", "param": "moderation", "message": "moderation must be low or auto"}}),
            "rejected-request",
        ),
        (
            400,
            json!({"error": {"message": "no such size", "innererror": {"content_filter_result": {"hate": {"filtered": false}}}}}),
            "rejected-request",
        ),
        (400, json!({"error": {"message": "unknown field \"content_filter\""}}), "rejected-request"),
    ] {
        assert_eq!(name(&of_images(status, reply.clone())), expected, "{status} {reply}");
    }
}

#[test]
fn a_model_without_eyes_stops_the_run_with_a_hint() {
    for (status, reply) in [
        (
            400,
            json!({"object": "error", "message": "x/y is not a multimodal model", "type": "BadRequestError", "param": null, "code": 400}),
        ),
        (400, json!({"error": {"message": "x/y is not a multimodal model None", "code": 400}})),
        (400, json!({"error": {"message": "At most 0 image(s) may be provided in one prompt."}})),
        (404, json!({"error": {"message": "No endpoints found that support image input", "code": 404}})),
        (200, json!({"error": {"message": "No endpoints found that support image input", "code": 404}})),
        (
            500,
            json!({"error": {"message": "image input is not supported - hint: you may need to provide the mmproj"}}),
        ),
        (
            400,
            json!({"error": {"message": "Invalid content type. image_url is only supported by certain models.", "param": "messages.[1].content.[1].type"}}),
        ),
        (400, json!({"error": "Model does not support images. Please use a model that does."})),
        (400, json!({"error": {"message": "this model does not support image input (ref: 1)"}})),
        (400, json!({"detail": "This model doesn\u{2019}t support image inputs"})),
        (
            422,
            json!({"error": {"message": "Failed to deserialize: messages[0]: unknown variant `image_url`, expected `text` at line 1"}}),
        ),
        (
            400,
            json!({"error": {"message": "litellm.BadRequestError: OpenAIException - x is not a multimodal model"}}),
        ),
        (
            400,
            json!([{"error": {"code": 400, "message": "Image input modality is not enabled for models/x", "status": "INVALID_ARGUMENT"}}]),
        ),
    ] {
        let down = down(verdict(ProviderKind::OpenaiChat, status, reply.clone()));
        assert!(down.message.contains("the model does not accept images; it answered"), "{}", down.message);
        assert!(down.hint.contains("choose a model that accepts images"), "{}", down.hint);
    }
    for message in [
        "this model does not support images larger than 20 MB",
        "this model does not support images of type image/webp",
        "the image input is not supported together with tools",
        "could not read the image",
    ] {
        let reply = json!({"error": {"message": message}});
        assert_eq!(name(&verdict(ProviderKind::OpenaiChat, 400, reply)), "rejected-request", "{message}");
    }
    let modalities = "No endpoints found that support the requested output modalities: image, text";
    let reply = json!({"error": {"message": modalities, "code": 404}});
    assert!(down(verdict(ProviderKind::OpenaiChat, 404, reply)).message.contains("does not generate images"));
}

#[test]
fn a_wrong_request_and_a_dead_account_are_told_apart() {
    for (status, error, hint) in [
        (401, json!({"message": "Incorrect API key"}), "OPENAI_API_KEY"),
        (429, json!({"code": "insufficient_quota"}), "OPENAI_API_KEY"),
        (400, json!({"code": "billing_hard_limit_reached"}), "OPENAI_API_KEY"),
        (402, json!({"message": "Insufficient credits"}), "add credit"),
        (400, json!({"type": "budget_exceeded", "message": "Budget has been exceeded!"}), "add credit"),
        (400, json!("Incorrect API key provided: x."), "a valid key"),
        (404, json!({"code": "model_not_found"}), "some-model"),
        (404, json!({"message": "The model `x` does not exist."}), "check the model name"),
        (400, json!({"message": "x/y is not a valid model ID", "code": 400}), "check the model name"),
        (400, json!({"code": "invalid_value", "param": "model"}), "some-model"),
        (403, json!({"message": "verify your organization"}), "some-model"),
        (404, json!({"message": "not found"}), "base URL"),
        (200, json!({"code": 401, "message": "no"}), "a valid key"),
        (200, json!({"type": "authentication_error", "message": "no"}), "a valid key"),
    ] {
        let down = down(of_images(status, json!({ "error": error })));
        assert!(down.hint.contains(hint), "{} / {}", down.message, down.hint);
    }
    let list = json!({"detail": [{"loc": ["body", "size"], "msg": "not a valid size", "type": "enum"}]});
    for (status, reply, detail) in [
        (
            400,
            json!({"error": {"code": "invalid_value", "param": "size", "message": "no such size"}}),
            "answered 400: no such size",
        ),
        (422, list, "answered 422: body.size: not a valid size"),
        (
            400,
            json!({"statusCode": 400, "message": "no such size", "error": "Bad Request"}),
            "answered 400: no such size; Bad Request",
        ),
        (200, json!({"error": {"code": 400, "message": "no such size"}}), "answered 400: no such size"),
        (
            200,
            json!({"error": {"type": "invalid_request_error", "message": "no such size"}}),
            "the reply contains an error: no such size",
        ),
        (
            413,
            json!({"error": {"code": "rate_limit_exceeded", "message": "too large"}}),
            "answered 413: too large",
        ),
    ] {
        let verdict = of_images(status, reply);
        let Verdict::Failed(failure) = &verdict else { panic!("{verdict:?}") };
        assert_eq!((failure.kind, failure.detail.as_str()), (FailureKind::RejectedRequest, detail));
    }
}

#[test]
fn rates_and_failing_servers_are_asked_again() {
    for (status, reply) in [
        (429, json!({"error": {"code": "rate_limit_exceeded"}})),
        (
            200,
            json!({"error": {"code": 429, "message": "slow", "metadata": {"raw": "{\"code\":\"insufficient_quota\"}"}}}),
        ),
        (200, json!({"error": {"code": "429", "message": "slow"}})),
        (200, json!({"code": 429, "message": "slow"})),
        (200, json!({"success": false, "status_code": 429, "detail": "slow"})),
        (200, json!({"error": {"status": "RESOURCE_EXHAUSTED", "message": "slow"}})),
        (200, json!({"choices": [{"error": {"code": 429, "message": "slow"}}]})),
    ] {
        assert_eq!(name(&of_images(status, reply.clone())), "rate-limit", "{status} {reply}");
    }
    for status in [408, 409, 425, 499, 500, 502, 503, 529, 200] {
        assert_eq!(name(&of_images(status, json!({"error": "oops"}))), "server", "{status}");
    }
    for reply in [
        json!({"error": {"code": 502, "message": "Provider returned error"}, "user_id": "u"}),
        json!({"success": false, "message": "try later"}),
        json!({"object": "error", "message": "oops"}),
        json!({"status": "failed", "id": "x"}),
        json!({"detail": "oops"}),
    ] {
        assert_eq!(name(&of_images(200, reply.clone())), "server", "{reply}");
    }
}

#[test]
fn an_error_that_says_nothing_is_none() {
    let data = json!([{"b64_json": "aGk="}]);
    for error in [
        json!({}),
        json!(""),
        json!(null),
        json!([]),
        json!(false),
        json!({"code": null, "message": "", "type": "", "param": null}),
        json!({"code": 0, "message": ""}),
        json!({"param": "size"}),
        json!({"type": "none", "message": null}),
        json!(" "),
        json!(0),
    ] {
        assert_eq!(name(&of_images(200, json!({"data": data, "error": error}))), "answer", "{error}");
    }
    assert_eq!(name(&of_images(200, json!({"data": data, "message": "ok", "status": "success"}))), "answer");
    assert_eq!(name(&of_images(200, json!({"data": []}))), "answer", "an empty one");
    assert_eq!(name(&of_images(500, json!({}))), "server");
    let reply = json!({"image_base64": "aGk=", "message": "done", "detail": "in 3 s"});
    let reply = Reply { status: 200, json: reply, text: String::new() };
    assert_eq!(name(&judge(ProviderKind::OpenaiImages, "m", &reply, || Holds::Something)), "answer");
}

#[test]
fn a_reply_in_xml_or_plain_words_is_read_too() {
    let of = |status: u16, text: &str| {
        let reply = Reply { status, json: Value::Null, text: text.to_owned() };
        judge_error(ProviderKind::OpenaiImages, "m", &reply)
    };
    let xml =
        "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>";
    let Verdict::ServerFailed(said) = of(503, xml) else { panic!() };
    assert_eq!(said, "answered 503: SlowDown: Reduce your rate.");
    let xml = "<Error><Code>ResponsibleAIPolicyViolation</Code></Error>";
    assert_eq!(name(&of(400, xml)), "moderated");
    assert_eq!(name(&of(400, "x is not a multimodal model")), "down");
    let Verdict::ServerFailed(said) = of(502, "") else { panic!() };
    assert_eq!(said, "answered 502 without a word");
}

#[test]
fn an_answer_that_ended_with_an_error_is_a_failing_server_unless_all_of_it_came() {
    let choice = |reason: &str, native: &str| json!({"choices": [{"finish_reason": reason, "native_finish_reason": native, "message": {"content": "Score: 1"}}]});
    for (reason, native, expected) in [
        ("error", "error", "server"),
        ("ERROR", "", "server"),
        ("stop", "error", "server"),
        ("abort", "", "server"),
        ("stop", "STOP", "answer"),
        ("length", "", "answer"),
        // A filter decides even where the router calls it an error.
        ("error", "SAFETY", "answer"),
    ] {
        let reply = choice(reason, native);
        let found = verdict(ProviderKind::OpenaiChat, 200, reply.clone());
        assert_eq!(name(&found), expected, "{reason} {native}");
        let reply = Reply { status: 200, json: reply, text: String::new() };
        assert_eq!(name(&judge(ProviderKind::OpenaiChat, "m", &reply, || Holds::Something)), "answer");
    }
}

#[test]
fn the_end_of_an_answer_says_why_nothing_came() {
    let choice = |fields: Value| json!({"choices": [fields]});
    let candidate = |fields: Value| json!({"candidates": [fields]});
    let (moderated, refused) = (Some(FailureKind::Moderated), Some(FailureKind::Refused));
    for (reply, expected) in [
        (choice(json!({"finish_reason": "content_filter"})), moderated),
        (choice(json!({"finish_reason": "stop", "native_finish_reason": "IMAGE_SAFETY"})), moderated),
        (choice(json!({"finish_reason": "error", "native_finish_reason": "PROHIBITED_CONTENT"})), moderated),
        (choice(json!({"finish_reason": "guardrail_intervened"})), moderated),
        (choice(json!({"finish_reason": "sensitive"})), moderated),
        (choice(json!({"finish_reason": "stop", "native_finish_reason": "refusal"})), refused),
        (
            choice(
                json!({"finish_reason": "stop", "content_filter_results": {"sexual": {"filtered": true}}}),
            ),
            moderated,
        ),
        (
            choice(
                json!({"finish_reason": "stop", "content_filter_results": {"sexual": {"filtered": false}}}),
            ),
            None,
        ),
        (choice(json!({"finish_reason": "stop", "native_finish_reason": "STOP"})), None),
        (choice(json!({"finish_reason": "length"})), None),
        (candidate(json!({"finishReason": "SAFETY"})), moderated),
        (candidate(json!({"finish_reason": "IMAGE_SAFETY"})), moderated),
        (candidate(json!({"finish_reason": "FinishReason.RECITATION"})), moderated),
        (
            candidate(
                json!({"finishReason": "OTHER", "finishMessage": "It violated Google's Generative AI Prohibited Use policy."}),
            ),
            moderated,
        ),
        (
            candidate(
                json!({"finishReason": "STOP", "safetyRatings": [{"category": "HARM", "blocked": true}]}),
            ),
            moderated,
        ),
        (
            candidate(
                json!({"finishReason": "STOP", "safetyRatings": [{"category": "HARM", "probability": "LOW"}]}),
            ),
            None,
        ),
        (candidate(json!({"finishReason": "NO_IMAGE", "finishMessage": "Unable to show the image."})), None),
        (candidate(json!({"finishReason": "IMAGE_OTHER"})), None),
        (candidate(json!({"finishReason": "OTHER"})), None),
        (json!({"promptFeedback": {"blockReason": "OTHER"}}), moderated),
        (json!({"prompt_feedback": {"block_reason": "SAFETY"}}), moderated),
        (json!({"prompt_feedback": {"block_reason": "BlockedReason.PROHIBITED_CONTENT"}}), moderated),
        (json!({"promptFeedback": {"blockReason": "SOMETHING_NEW"}}), moderated),
        (json!({"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}}), None),
        (json!({"promptFeedback": {"blockReason": "BLOCKED_REASON_UNSPECIFIED"}}), None),
        (json!({"prompt_feedback": {"block_reason": "BlockedReason.BLOCKED_REASON_UNSPECIFIED"}}), None),
        (json!({"promptFeedback": {"blockReason": ""}}), None),
        (json!({"incomplete_details": {"reason": "content_filter"}, "output": []}), moderated),
        (json!({"data": [], "nsfw_content_detected": [true]}), moderated),
        (json!({"data": [{"nsfw": false}]}), None),
        (json!({}), None),
    ] {
        assert_eq!(why_ended(&reply).map(|failure| failure.kind), expected, "{reply}");
    }
    let flagged =
        candidate(json!({"finishReason": "STOP", "safetyRatings": [{"category": "HARM", "blocked": true}]}));
    assert_eq!(why_stopped(&flagged), None, "words that came with it came whole");
}

#[test]
fn a_code_of_one_interface_means_nothing_elsewhere() {
    let reply = json!({"error": {"code": "invalid_prompt", "message": "no"}});
    assert_eq!(name(&verdict(ProviderKind::OpenaiResponses, 400, reply.clone())), "moderated");
    assert_eq!(name(&verdict(ProviderKind::OpenaiImages, 400, reply)), "rejected-request");
}

#[test]
fn a_wait_is_read_from_the_body() {
    let seconds = |reply: Value| requested_wait(&reply).map(|wait| wait.as_secs_f64());
    let retry = |delay: &str| json!({"error": {"details": [{"@type": "x"}, {"retryDelay": delay}]}});
    assert_eq!(seconds(retry("37s")), Some(37.0));
    assert_eq!(seconds(json!([retry("1.5s")])), Some(1.5));
    assert_eq!(seconds(json!({"error": {"message": "x", "retry_after": 3}})), Some(3.0));
    assert_eq!(seconds(json!({"detail": "x", "retry_after": "2.5"})), Some(2.5));
    let said = |words: &str| json!({"error": {"message": words}});
    assert_eq!(seconds(said("Rate limit. Please try again in 20s. Visit x")), Some(20.0));
    assert_eq!(seconds(said("Please try again in 250ms.")), Some(0.25));
    assert_eq!(seconds(said("Please try again in 1m12.5s.")), Some(72.5));
    for nothing in
        [said("try again in a minute"), said("later"), retry("soon"), retry("-1s"), json!({}), json!("x")]
    {
        assert_eq!(seconds(nothing.clone()), None, "{nothing}");
    }
}

#[test]
fn no_nesting_is_too_deep_and_nothing_too_odd() {
    let mut json =
        json!({"code": "x", "message": "\\\"code\\\": \"", "loc": [1, null], "details": [1, [[]], null]});
    for level in 0..60 {
        json = if level % 3 == 0 { json!({"error": json}) } else { json!({"detail": [json, "x"]}) };
        for status in [200, 400, 500] {
            let reply = Reply { status, json: json.clone(), text: "<Code><Message>".to_owned() };
            assert!(!matches!(judge_error(ProviderKind::OpenaiChat, "m", &reply), Verdict::Answer));
            assert_eq!(why_ended(&reply.json), None);
        }
    }
}

#[test]
fn a_whole_image_counts_whatever_error_stands_beside_it() {
    let error = json!({"code": "content_policy_violation", "message": "one of 2 images was blocked"});
    for (image, expected) in [
        (json!({"b64_json": "QQ=="}), "answer"),
        (json!({"url": "https://a.example/x"}), "answer"),
        (json!({"b64_json": "QQ==", "partial": true}), "moderated"),
        (json!({"b64_json": ""}), "moderated"),
    ] {
        let json = json!({"data": [image], "error": error});
        let reply = Reply { status: 200, json, text: String::new() };
        let verdict = judge(ProviderKind::OpenaiImages, "m", &reply, || Holds::of_image(&reply.json));
        assert_eq!(name(&verdict), expected, "{}", reply.json);
    }
}

#[test]
fn an_error_that_reports_success_is_none() {
    for error in [
        json!({"code": 0, "message": "success"}),
        json!({"code": 200, "message": "OK"}),
        json!({"code": "0", "message": "anything"}),
        json!("None"),
        json!("null"),
        json!({"code": null, "message": "None"}),
    ] {
        assert_eq!(
            name(&of_images(200, json!({"data": [{"b64_json": "QQ=="}], "error": error}))),
            "answer",
            "{error}"
        );
    }
    assert_eq!(name(&of_images(200, json!({"error": {"code": 500, "message": "ok"}}))), "server");
}

#[test]
fn a_job_that_failed_says_why() {
    for (reply, expected) in [
        (
            json!({"output": {"task_status": "FAILED", "code": "DataInspectionFailed", "message": "no"}}),
            "moderated",
        ),
        (json!({"output": {"task_status": "FAILED", "code": "InternalError", "message": "no"}}), "server"),
        (json!({"data": {"code": "DataInspectionFailed", "message": "no"}}), "moderated"),
        (json!({"id": "x", "status": "Request Moderated", "result": null}), "moderated"),
        (json!({"id": "x", "status": "Content Moderated", "progress": null}), "moderated"),
        (json!({"id": "x", "status": "failed"}), "server"),
        (
            json!({"output": {"task_status": "SUCCEEDED", "results": [{"url": "https://a.example/x"}]}}),
            "answer",
        ),
        (json!({"data": {"url": "https://a.example/x", "code": "a", "message": "b"}}), "answer"),
    ] {
        assert_eq!(name(&of_images(200, reply.clone())), expected, "{reply}");
    }
    let around = json!({"error": {"code": "content_filter", "message": "no"}, "result": {"choices": []}});
    assert_eq!(name(&of_images(200, around)), "moderated");
    let nested = json!({"ResponseMetadata": {"Error": {"Code": "OutputImageSensitiveContentDetected", "Message": "no"}}});
    assert_eq!(name(&of_images(400, nested)), "moderated");
    let detail = json!({"success": false, "errors": [{"code": 3030, "message": "AiError: Input prompt contains NSFW content"}]});
    assert_eq!(name(&of_images(400, detail)), "moderated");
}

#[test]
fn what_a_filter_took_out_of_a_list_of_images_is_seen() {
    for reply in [
        json!({"artifacts": [{"base64": "", "finishReason": "CONTENT_FILTERED"}]}),
        json!({"predictions": [{"raiFilteredReason": "Unable to show generated images."}]}),
        json!({"generatedImages": [{"raiFilteredReason": "Unable to show generated images."}]}),
        json!({"response": {"candidates": [{"finishReason": "SAFETY"}]}}),
    ] {
        assert_eq!(why_ended(&reply).map(|failure| failure.kind), Some(FailureKind::Moderated), "{reply}");
    }
}
