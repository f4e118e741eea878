"""What each client did on each deviation, as text: a rule, and under it who does what (clients.py reads it).

`MEASURED` comes from 263 streams, perfect but for one deviation each, served over a loopback socket to 34 clients on
20 November 2026. A client that is not named went on as if nothing were wrong. What happens ``when CONDITION, or when
CONDITION`` was seen in these forms of the deviation alone; the rule names the forms (`Rule.variants`) and says of a
finding which it is. `OBSERVED` comes from a smaller, older
set of streams and the clients whose versions were not written down; it is used for rules without a measurement.
"""

MEASURED = """\
charset-not-utf8
  ends with other text: py-hf-hub
choice-delta-missing
  raises AttributeError: py-openai-stream py-openai-v1.109-stream py-llm py-strands py-autogen
  raises AttributeError in the documented loop: py-openai-raw py-openai-async py-openai-v1.35-raw py-hf-hub
  raises TypeError in the documented loop: js-openai-raw js-openai-v4-raw js-eventsource-parser js-hf-inference
  raises OpenAIError: js-openai-v4-stream
  raises TensorZeroError: rs-tensorzero
  raises BamlClientHttpError when it is the finish chunk's: rs-baml
  ends with another finish_reason when it is the finish chunk's: py-langchain py-pydantic-ai
      py-pydantic-ai-direct py-llama-index js-langchain
  raises ValueError when the answer goes on: py-smolagents
choice-index-is-token-counter
  waits for ever when the only choice is number 1: js-openai-v4-stream
  raises IndexError when the only choice is number 1: py-openai-stream py-openai-v1.109-stream
  raises MaxTurnsExceededError when the only choice is number 1: js-openai-agents
  raises OpenAIError when the only choice is number 1: js-openai-stream
  ends with other text when the only choice is number 1: py-openai-agents
choice-index-missing
  waits for ever: js-openai-v4-stream
  raises AI_TypeValidationError: js-ai-sdk-openai js-ai-sdk4-openai
  raises TypeError: py-openai-stream py-openai-v1.109-stream
  raises BamlClientHttpError: rs-baml
  raises MaxTurnsExceededError: js-openai-agents
  raises OpenAIError: js-openai-stream
  ends with other text: py-openai-agents
choice-message-instead-of-delta
  raises AttributeError: py-openai-stream py-openai-v1.109-stream py-llm py-strands py-autogen
  raises AttributeError in the documented loop: py-openai-raw py-openai-async py-openai-v1.35-raw py-hf-hub
  raises TypeError in the documented loop: js-openai-raw js-openai-v4-raw js-eventsource-parser js-hf-inference
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises ValueError: py-langchain py-smolagents
  raises BamlClientHttpError: rs-baml
  raises Error in the documented loop: js-fetch-event-source
  raises MaxTurnsExceededError: js-openai-agents
  raises TensorZeroError: rs-tensorzero
  raises UnexpectedModelBehavior: py-pydantic-ai
  ends with other text: py-litellm py-openai-agents py-haystack py-agno js-ai-sdk-openai js-ai-sdk-compat
      js-ai-sdk4-openai js-ai-sdk4-compat js-pi-ai
  ends with other text and another finish_reason: py-pydantic-ai-direct py-llama-index js-langchain
choices-missing-or-null
  raises TypeError: py-openai-stream py-openai-v1.109-stream py-llama-index py-llm py-haystack py-autogen
  raises AI_TypeValidationError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises TypeError in the documented loop: js-openai-raw js-openai-v4-raw js-eventsource-parser
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises TensorZeroError: rs-tensorzero
chunk-id-missing-or-empty
  raises AI_TypeValidationError when it is a number: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai
      js-ai-sdk4-compat
  raises APIError when it is a number: py-litellm
  raises BamlClientHttpError when it is a number: rs-baml
  raises ZodError when it is a number: js-openai-agents
close-delimited-truncation
  raises OpenAIError when it looks like a proper end: js-openai-stream js-openai-v4-stream
  raises AI_InvalidResponseDataError when it looks like a proper end: js-ai-sdk-compat
  says nothing, ends with other text and another finish_reason when it looks like a proper end: py-openai-raw
      py-openai-async py-openai-stream py-openai-v1.35-raw py-openai-v1.109-stream py-langchain py-llama-index
      py-llm py-haystack py-autogen js-openai-v4-raw js-ai-sdk-openai js-eventsource-parser js-hf-inference
      rs-tensorzero
  says nothing, ends with other text when it looks like a proper end: py-litellm py-pydantic-ai
      py-pydantic-ai-direct py-openai-agents py-smolagents py-strands py-agno js-fetch-event-source js-pi-ai
      rs-baml
  raises SyntaxError when it stops inside a JSON: js-openai-raw js-langchain js-openai-agents
  raises AI_JSONParseError when it stops inside a JSON: js-ai-sdk4-openai js-ai-sdk4-compat
  raises JSONDecodeError when it stops inside a JSON: py-hf-hub
completions-chat-shape
  raises TypeError in the documented loop: py-openai-raw
connection-held-open-after-done
  waits for ever: py-openai-v1.35-raw py-openai-v1.109-stream js-openai-v4-raw js-openai-v4-stream
      js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat js-pi-ai
  waits for ever when [DONE] never comes: py-openai-raw py-openai-async py-openai-stream py-langchain py-litellm
      py-pydantic-ai py-pydantic-ai-direct py-llama-index py-llm py-hf-hub py-openai-agents py-smolagents
      py-haystack py-strands py-agno py-autogen js-openai-raw js-openai-stream js-langchain
      js-fetch-event-source js-eventsource-parser js-hf-inference js-openai-agents rs-baml rs-tensorzero
content-after-finish
  ends with another finish_reason: py-langchain js-langchain
  ends with other text: py-strands
content-array-parts
  raises TypeError: py-llama-index py-llm py-smolagents py-haystack py-strands py-autogen
  raises TypeError in the documented loop: py-openai-raw py-openai-async py-openai-v1.35-raw py-hf-hub
  raises AI_TypeValidationError: js-ai-sdk-openai js-ai-sdk4-openai js-ai-sdk4-compat
  raises TensorZeroError: rs-tensorzero
  raises ValidationError: py-openai-agents
  reports an error: py-agno
  ends with other text: py-openai-stream py-openai-v1.109-stream py-litellm js-openai-raw js-openai-stream
      js-openai-v4-raw js-openai-v4-stream js-langchain js-fetch-event-source js-eventsource-parser
      js-hf-inference js-openai-agents js-pi-ai rs-baml
content-type-not-event-stream
  raises Error in the documented loop: js-fetch-event-source
  raises ProviderApiError: js-hf-inference
  raises TensorZeroError: rs-tensorzero
created-wrong-type
  raises AI_TypeValidationError when it is text: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai
      js-ai-sdk4-compat
  raises BamlClientHttpError when it is text: rs-baml
cumulative-content
  ends with other text: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw py-openai-v1.109-stream
      py-langchain py-litellm py-pydantic-ai py-pydantic-ai-direct py-llama-index py-llm py-hf-hub
      py-openai-agents py-smolagents py-haystack py-strands py-agno py-autogen js-openai-raw js-openai-stream
      js-openai-v4-raw js-openai-v4-stream js-ai-sdk-openai js-ai-sdk-compat js-langchain js-fetch-event-source
      js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat js-hf-inference js-openai-agents js-pi-ai rs-baml
      rs-tensorzero
done-duplicate-or-early
  ends with other text when content follows it: js-ai-sdk-openai js-ai-sdk-compat js-fetch-event-source
      js-ai-sdk4-openai js-ai-sdk4-compat
  ends with other usage when the usage follows it: py-openai-raw py-openai-async py-openai-stream
      py-openai-v1.35-raw py-openai-v1.109-stream py-langchain py-litellm py-pydantic-ai py-pydantic-ai-direct
      py-llama-index py-llm py-hf-hub py-openai-agents py-smolagents py-haystack py-strands py-agno py-autogen
      js-openai-raw js-openai-stream js-openai-v4-raw js-openai-v4-stream js-langchain js-eventsource-parser
      js-hf-inference js-openai-agents js-pi-ai rs-baml rs-tensorzero
empty-200
  raises AssertionError: py-openai-stream py-openai-v1.109-stream
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises UnexpectedModelBehavior: py-pydantic-ai py-pydantic-ai-direct
  raises AI_InvalidResponseDataError: js-ai-sdk-compat
  raises BamlClientHttpError: rs-baml
  raises Error in the documented loop: js-fetch-event-source
  raises MaxTurnsExceededError: js-openai-agents
  raises TensorZeroError: rs-tensorzero
  raises ValueError: py-langchain
  says nothing, ends with other text and another finish_reason: py-openai-raw py-openai-async py-openai-v1.35-raw
      py-llama-index py-llm py-hf-hub py-haystack py-autogen js-openai-raw js-openai-v4-raw js-ai-sdk-openai
      js-langchain js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat js-hf-inference
  says nothing, ends with other text: py-litellm py-openai-agents py-smolagents py-strands py-agno js-pi-ai
error-beside-choices
  says nothing, ends with other text and another finish_reason: js-ai-sdk-openai js-ai-sdk4-openai
      js-ai-sdk4-compat rs-tensorzero
  says nothing, ends with other text: js-fetch-event-source rs-baml
error-field-line
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises AI_InvalidResponseDataError: js-ai-sdk-compat
  raises TensorZeroError: rs-tensorzero
  says nothing, ends with other text and another finish_reason: py-openai-raw py-openai-async py-openai-stream
      py-openai-v1.35-raw py-openai-v1.109-stream py-langchain py-llama-index py-llm py-hf-hub py-haystack
      py-autogen js-openai-raw js-openai-v4-raw js-ai-sdk-openai js-langchain js-eventsource-parser
      js-ai-sdk4-openai js-ai-sdk4-compat js-hf-inference
  says nothing, ends with other text: py-litellm py-pydantic-ai py-pydantic-ai-direct py-openai-agents
      py-smolagents py-strands py-agno js-fetch-event-source js-openai-agents js-pi-ai rs-baml
error-flat-object
  raises AI_TypeValidationError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises TypeError: py-llama-index py-llm py-haystack py-autogen
  raises TypeError in the documented loop: js-openai-raw js-openai-v4-raw js-eventsource-parser
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises BamlClientHttpError: rs-baml
  raises TensorZeroError: rs-tensorzero
  says nothing, ends with other text: py-litellm py-pydantic-ai py-pydantic-ai-direct py-openai-agents
      py-smolagents py-strands py-agno js-fetch-event-source js-openai-agents js-pi-ai
  says nothing, ends with other text and another finish_reason: py-openai-raw py-openai-async py-openai-stream
      py-openai-v1.35-raw py-openai-v1.109-stream py-langchain py-hf-hub js-langchain js-hf-inference
error-midstream-standard
  raises APIError: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw py-openai-v1.109-stream
      py-langchain py-llama-index py-llm py-openai-agents py-smolagents py-haystack py-strands py-autogen
      js-openai-raw js-openai-stream js-openai-v4-raw js-openai-v4-stream js-langchain js-openai-agents
  raises AI_StreamProviderError: js-ai-sdk-openai js-ai-sdk-compat
  raises ModelServerError: py-pydantic-ai py-pydantic-ai-direct
  raises an error: js-ai-sdk4-openai js-ai-sdk4-compat
  raises BamlClientHttpError: rs-baml
  raises Error in the documented loop: js-eventsource-parser
  raises MidStreamFallbackError: py-litellm
  raises ProviderApiError: js-hf-inference
  raises TensorZeroError: rs-tensorzero
  raises UnknownError: py-hf-hub
  reports an error: py-agno
  stops with an error: js-pi-ai
  says nothing, ends with other text: js-fetch-event-source
error-null-or-empty-key
  raises Error when it is null in every chunk: js-ai-sdk-compat
  raises ProviderApiError when it is null in every chunk: js-hf-inference
error-string
  raises APIError: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw py-openai-v1.109-stream
      py-langchain py-llama-index py-llm py-openai-agents py-smolagents py-haystack py-strands py-autogen
      js-openai-raw js-openai-stream js-openai-v4-raw js-openai-v4-stream js-langchain js-openai-agents
  raises AI_TypeValidationError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises ModelAPIError: py-pydantic-ai py-pydantic-ai-direct
  raises BamlClientHttpError: rs-baml
  raises Error in the documented loop: js-eventsource-parser
  raises MidStreamFallbackError: py-litellm
  raises ProviderApiError: js-hf-inference
  raises TensorZeroError: rs-tensorzero
  raises UnknownError: py-hf-hub
  reports an error: py-agno
  stops with an error: js-pi-ai
  says nothing, ends with other text: js-fetch-event-source
finish-reason-empty-string
  ends with another finish_reason: py-autogen
  ends with another finish_reason when it is the text null, or when there is no other at the end: py-langchain
      js-langchain
  ends with other text when it is the text null, or when there is no other at the end: py-strands
  raises OpenAIError when there is no other at the end: js-openai-stream js-openai-v4-stream
  ends with another finish_reason when there is no other at the end: py-openai-raw py-openai-async
      py-openai-stream py-openai-v1.35-raw py-openai-v1.109-stream py-llama-index py-llm py-hf-hub py-haystack
      js-openai-raw js-openai-v4-raw js-ai-sdk-openai js-ai-sdk-compat js-eventsource-parser js-ai-sdk4-openai
      js-ai-sdk4-compat js-hf-inference rs-tensorzero
finish-reason-every-chunk
  ends with another finish_reason: py-langchain js-langchain
  ends with other text: py-strands
finish-reason-missing
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises AI_InvalidResponseDataError: js-ai-sdk-compat
  ends with another finish_reason: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-llama-index py-llm py-hf-hub py-haystack py-autogen js-openai-raw
      js-openai-v4-raw js-ai-sdk-openai js-langchain js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat
      js-hf-inference rs-tensorzero
  ends with other text when the answer is text: py-strands
  ends with another finish_reason when the answer is tool calls: py-litellm py-pydantic-ai py-pydantic-ai-direct
      js-pi-ai
finish-reason-repeated
  ends with another finish_reason: py-langchain js-langchain
  ends with another finish_reason when stop comes after tool_calls: py-openai-raw py-openai-async
      py-openai-stream py-openai-v1.35-raw py-openai-v1.109-stream py-pydantic-ai py-pydantic-ai-direct
      py-llama-index py-llm py-hf-hub py-haystack js-openai-raw js-openai-stream js-openai-v4-raw
      js-openai-v4-stream js-ai-sdk-openai js-ai-sdk-compat js-eventsource-parser js-ai-sdk4-openai
      js-ai-sdk4-compat js-hf-inference js-pi-ai rs-tensorzero
finish-reason-unknown-value
  stops with an error: js-pi-ai
  ends with another finish_reason: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-pydantic-ai py-pydantic-ai-direct py-llama-index py-llm py-hf-hub
      py-haystack js-openai-raw js-openai-stream js-openai-v4-raw js-openai-v4-stream js-langchain
      js-eventsource-parser js-hf-inference
  raises AI_TypeValidationError when it is a number: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai
      js-ai-sdk4-compat
  raises AttributeError when it is a number: py-autogen
  raises BamlClientHttpError when it is a number: rs-baml
  raises TensorZeroError when it is a number: rs-tensorzero
  ends with another finish_reason when it is another word: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai
      js-ai-sdk4-compat rs-tensorzero
gzip-on-sse
  raises BamlClientHttpError: rs-baml
  raises TensorZeroError: rs-tensorzero
html-body-200
  raises AssertionError: py-openai-stream py-openai-v1.109-stream
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises UnexpectedModelBehavior: py-pydantic-ai py-pydantic-ai-direct
  raises AI_InvalidResponseDataError: js-ai-sdk-compat
  raises BamlClientHttpError: rs-baml
  raises Error in the documented loop: js-fetch-event-source
  raises MaxTurnsExceededError: js-openai-agents
  raises ProviderApiError: js-hf-inference
  raises TensorZeroError: rs-tensorzero
  raises ValueError: py-langchain
  says nothing, ends with other text and another finish_reason: py-openai-raw py-openai-async py-openai-v1.35-raw
      py-llama-index py-llm py-hf-hub py-haystack py-autogen js-openai-raw js-openai-v4-raw js-ai-sdk-openai
      js-langchain js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat
  says nothing, ends with other text: py-litellm py-openai-agents py-smolagents py-strands py-agno js-pi-ai
http-status-200-on-error
  raises AssertionError: py-openai-stream py-openai-v1.109-stream
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises UnexpectedModelBehavior: py-pydantic-ai py-pydantic-ai-direct
  raises AI_InvalidResponseDataError: js-ai-sdk-compat
  raises BamlClientHttpError: rs-baml
  raises Error in the documented loop: js-fetch-event-source
  raises MaxTurnsExceededError: js-openai-agents
  raises ProviderApiError: js-hf-inference
  raises TensorZeroError: rs-tensorzero
  raises ValueError: py-langchain
  says nothing, ends with other text and another finish_reason: py-openai-raw py-openai-async py-openai-v1.35-raw
      py-llama-index py-llm py-hf-hub py-haystack py-autogen js-openai-raw js-openai-v4-raw js-ai-sdk-openai
      js-langchain js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat
  says nothing, ends with other text: py-litellm py-openai-agents py-smolagents py-strands py-agno js-pi-ai
invalid-utf8
  raises UnicodeDecodeError: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-llama-index py-llm py-openai-agents py-smolagents py-haystack
      py-strands py-autogen
  raises ModelAPIError: py-pydantic-ai py-pydantic-ai-direct
  raises MidStreamFallbackError: py-litellm
  raises TensorZeroError: rs-tensorzero
  reports an error: py-agno
  ends with other text: py-hf-hub js-openai-raw js-openai-stream js-openai-v4-raw js-openai-v4-stream
      js-ai-sdk-openai js-ai-sdk-compat js-langchain js-fetch-event-source js-eventsource-parser js-ai-sdk4-openai
      js-ai-sdk4-compat js-hf-inference js-openai-agents js-pi-ai rs-baml
json-nan-infinity
  raises SyntaxError: js-openai-raw js-openai-v4-raw js-langchain js-hf-inference js-openai-agents
  raises AI_JSONParseError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises SyntaxError in the documented loop: js-eventsource-parser
  raises TensorZeroError: rs-tensorzero
  stops with an error: js-pi-ai
  ends with other text: js-fetch-event-source rs-baml
model-missing-or-changes
  raises BamlClientHttpError when it is missing or null: rs-baml
n-greater-1-interleaving
  ends with other text: py-openai-raw py-openai-async py-openai-v1.35-raw py-litellm py-pydantic-ai
      py-pydantic-ai-direct py-llama-index py-llm py-hf-hub py-smolagents py-haystack py-strands py-agno
      py-autogen js-openai-raw js-openai-v4-raw js-ai-sdk-openai js-ai-sdk-compat js-fetch-event-source
      js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat js-hf-inference js-pi-ai rs-baml rs-tensorzero
  ends with other text and another finish_reason: py-langchain js-langchain
nonstream-json-for-stream
  raises AssertionError: py-openai-stream py-openai-v1.109-stream
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises UnexpectedModelBehavior: py-pydantic-ai py-pydantic-ai-direct
  raises AI_InvalidResponseDataError: js-ai-sdk-compat
  raises BamlClientHttpError: rs-baml
  raises Error in the documented loop: js-fetch-event-source
  raises MaxTurnsExceededError: js-openai-agents
  raises ProviderApiError: js-hf-inference
  raises TensorZeroError: rs-tensorzero
  raises ValueError: py-langchain
  says nothing, ends with other text and another finish_reason: py-openai-raw py-openai-async py-openai-v1.35-raw
      py-llama-index py-llm py-hf-hub py-haystack py-autogen js-openai-raw js-openai-v4-raw js-ai-sdk-openai
      js-langchain js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat
  says nothing, ends with other text: py-litellm py-openai-agents py-smolagents py-strands py-agno js-pi-ai
object-wrong
  raises AssertionError: py-openai-stream py-openai-v1.109-stream
only-done
  raises AssertionError: py-openai-stream py-openai-v1.109-stream
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises UnexpectedModelBehavior: py-pydantic-ai py-pydantic-ai-direct
  raises AI_InvalidResponseDataError: js-ai-sdk-compat
  raises BamlClientHttpError: rs-baml
  raises Error in the documented loop: js-fetch-event-source
  raises MaxTurnsExceededError: js-openai-agents
  raises TensorZeroError: rs-tensorzero
  raises ValueError: py-langchain
  says nothing, ends with other text and another finish_reason: py-openai-raw py-openai-async py-openai-v1.35-raw
      py-llama-index py-llm py-hf-hub py-haystack py-autogen js-openai-raw js-openai-v4-raw js-ai-sdk-openai
      js-langchain js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat js-hf-inference
  says nothing, ends with other text: py-litellm py-openai-agents py-smolagents py-strands py-agno js-pi-ai
plain-text-in-data
  raises JSONDecodeError: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-llama-index py-llm py-hf-hub py-openai-agents py-smolagents
      py-haystack py-strands py-autogen
  raises SyntaxError: js-openai-raw js-openai-v4-raw js-langchain js-hf-inference js-openai-agents
  raises AI_JSONParseError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises ModelAPIError: py-pydantic-ai py-pydantic-ai-direct
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises BamlClientHttpError: rs-baml
  raises MidStreamFallbackError: py-litellm
  raises SyntaxError in the documented loop: js-eventsource-parser
  raises TensorZeroError: rs-tensorzero
  reports an error: py-agno
  stops with an error: js-pi-ai
  says nothing, ends with other text: js-fetch-event-source
reasoning-field-variants
  ends with other reasoning when the key is reasoning: py-autogen js-langchain js-ai-sdk4-compat
  ends with other reasoning when the key is reasoning, or when both keys are sent: js-openai-agents
  ends with other reasoning when both keys are sent: py-openai-agents
  raises UnexpectedModelBehavior when it stays in the text as <think>: py-pydantic-ai
  ends with other text and other reasoning when it stays in the text as <think>: py-openai-raw py-openai-async
      py-openai-stream py-openai-v1.35-raw py-openai-v1.109-stream py-litellm py-pydantic-ai-direct
      py-llama-index py-hf-hub py-openai-agents py-strands py-agno py-autogen js-openai-raw js-openai-v4-raw
      js-ai-sdk-compat js-langchain js-fetch-event-source js-eventsource-parser js-ai-sdk4-compat
      js-hf-inference js-pi-ai rs-tensorzero
  ends with other text when it stays in the text as <think>: py-langchain py-llm py-smolagents py-haystack
      js-openai-stream js-openai-v4-stream js-ai-sdk-openai js-ai-sdk4-openai js-openai-agents rs-baml
responses-lifecycle-order
  raises OpenAIError when only deltas come between created and completed: js-openai-stream js-openai-v4-stream
  raises IndexError when only deltas come between created and completed: py-openai-v1.109-stream
  raises RuntimeError when only deltas come between created and completed: py-openai-stream
  raises an error when only deltas come between created and completed: js-ai-sdk-openai
responses-terminal-missing
  raises RuntimeError: py-openai-stream py-openai-v1.109-stream
  says nothing, ends with another finish_reason and other usage: py-openai-raw py-langchain js-openai-raw
      js-openai-stream js-openai-v4-raw js-openai-v4-stream js-ai-sdk-openai js-langchain js-ai-sdk4-openai
role-empty-or-null
  raises AI_TypeValidationError when it is empty text: js-ai-sdk-openai js-ai-sdk4-openai js-ai-sdk4-compat
  raises BamlClientHttpError when it is empty text: rs-baml
  raises OpenAIError when it is null and no role came before: js-openai-stream js-openai-v4-stream
role-missing
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  ends with another number of calls when a tool call comes first: js-langchain
sse-bom
  raises OpenAIError: js-openai-v4-stream
  raises OpenAIError when the first event carries content: js-openai-stream
  ends with other text when the first event carries content: py-openai-raw py-openai-async py-openai-stream
      py-openai-v1.35-raw py-openai-v1.109-stream py-langchain py-litellm py-pydantic-ai py-pydantic-ai-direct
      py-llama-index py-llm py-hf-hub py-openai-agents py-smolagents py-haystack py-strands py-agno py-autogen
      js-openai-v4-raw rs-baml
  raises ModelBehaviorError when the first event carries a tool call: py-openai-agents
  raises UnexpectedModelBehavior when the first event carries a tool call: py-pydantic-ai
  reports an error when the first event carries a tool call: py-agno
  ends with other function names and other call ids when the first event carries a tool call: py-openai-raw
      py-openai-async py-openai-stream py-openai-v1.35-raw py-openai-v1.109-stream py-langchain py-llama-index
      py-llm py-hf-hub py-smolagents py-haystack py-autogen js-openai-v4-raw
  ends with another number of calls when the first event carries a tool call: py-litellm py-pydantic-ai-direct
      py-strands
sse-done-variant
  raises AI_JSONParseError when a space follows, or when it is in lower case: js-ai-sdk-openai js-ai-sdk-compat
      js-ai-sdk4-openai js-ai-sdk4-compat
  raises SyntaxError when a space follows, or when it is in lower case: js-openai-raw js-langchain
      js-hf-inference js-openai-agents
  raises SyntaxError in the documented loop when a space follows, or when it is in lower case:
      js-eventsource-parser
  raises BamlClientHttpError when a space follows, or when it is in lower case, or when it is JSON text: rs-baml
  raises OpenAIError when a space follows, or when it is in lower case, or when it is JSON text:
      js-openai-stream
  raises TensorZeroError when a space follows, or when it is in lower case, or when it is JSON text:
      rs-tensorzero
  raises JSONDecodeError when it is in lower case: py-openai-raw py-openai-async py-openai-stream
      py-openai-v1.35-raw py-openai-v1.109-stream py-langchain py-llama-index py-llm py-hf-hub py-openai-agents
      py-smolagents py-haystack py-strands py-autogen
  raises ModelAPIError when it is in lower case: py-pydantic-ai py-pydantic-ai-direct
  raises SyntaxError when it is in lower case: js-openai-v4-raw
  stops with an error when it is in lower case: js-pi-ai
  raises MidStreamFallbackError when it is in lower case, or when it is JSON text: py-litellm
  raises OpenAIError when it is in lower case, or when it is JSON text: js-openai-v4-stream
  reports an error when it is in lower case, or when it is JSON text: py-agno
  raises AttributeError when it is JSON text: py-openai-stream py-openai-v1.109-stream py-langchain
      py-pydantic-ai py-pydantic-ai-direct py-llama-index py-llm py-hf-hub py-openai-agents py-smolagents
      py-haystack py-autogen
  raises AI_TypeValidationError when it is JSON text: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai
      js-ai-sdk4-compat
  raises AttributeError in the documented loop when it is JSON text: py-openai-raw py-openai-async
      py-openai-v1.35-raw
  raises TypeError in the documented loop when it is JSON text: js-openai-raw js-openai-v4-raw
      js-eventsource-parser
sse-empty-data-event
  raises JSONDecodeError: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-llama-index py-llm py-hf-hub py-openai-agents py-smolagents
      py-haystack py-strands py-autogen
  raises AI_JSONParseError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises SyntaxError: js-openai-raw js-openai-v4-raw js-langchain js-openai-agents
  raises ModelAPIError: py-pydantic-ai py-pydantic-ai-direct
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises MidStreamFallbackError: py-litellm
  raises SyntaxError in the documented loop: js-eventsource-parser
  raises TensorZeroError: rs-tensorzero
  reports an error: py-agno
  stops with an error: js-pi-ai
sse-event-name-on-chat
  raises OpenAIError: js-openai-v4-stream
  raises TypeError in the documented loop: js-openai-v4-raw
  ends with other text and another finish_reason: py-openai-v1.35-raw
sse-missing-blank-line
  raises SyntaxError: js-openai-raw js-langchain js-openai-agents
  raises AI_JSONParseError: js-ai-sdk4-openai js-ai-sdk4-compat
  raises AssertionError: py-openai-stream py-openai-v1.109-stream
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises UnexpectedModelBehavior: py-pydantic-ai py-pydantic-ai-direct
  raises AI_InvalidResponseDataError: js-ai-sdk-compat
  raises BamlClientHttpError: rs-baml
  raises Error in the documented loop: js-fetch-event-source
  raises TensorZeroError: rs-tensorzero
  raises ValueError: py-langchain
  ends with other text and another finish_reason: py-openai-raw py-openai-async py-openai-v1.35-raw py-llama-index
      py-llm py-haystack py-autogen js-openai-v4-raw js-ai-sdk-openai js-eventsource-parser js-hf-inference
  ends with other text: py-litellm py-openai-agents py-smolagents py-strands py-agno js-pi-ai
sse-multi-data-lines
  raises JSONDecodeError: py-hf-hub
sse-multiple-json-in-one-data
  raises JSONDecodeError: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-llama-index py-llm py-hf-hub py-openai-agents py-smolagents
      py-haystack py-strands py-autogen
  raises SyntaxError: js-openai-raw js-openai-v4-raw js-langchain js-hf-inference js-openai-agents
  raises AI_JSONParseError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises ModelAPIError: py-pydantic-ai py-pydantic-ai-direct
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises MidStreamFallbackError: py-litellm
  raises SyntaxError in the documented loop: js-eventsource-parser
  raises TensorZeroError: rs-tensorzero
  reports an error: py-agno
  stops with an error: js-pi-ai
  ends with other text: js-fetch-event-source rs-baml
sse-ndjson-instead
  raises AssertionError: py-openai-stream py-openai-v1.109-stream
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises UnexpectedModelBehavior: py-pydantic-ai py-pydantic-ai-direct
  raises AI_InvalidResponseDataError: js-ai-sdk-compat
  raises BamlClientHttpError: rs-baml
  raises Error in the documented loop: js-fetch-event-source
  raises MaxTurnsExceededError: js-openai-agents
  raises TensorZeroError: rs-tensorzero
  raises ValueError: py-langchain
  ends with other text and another finish_reason: py-openai-raw py-openai-async py-openai-v1.35-raw py-llama-index
      py-llm py-hf-hub py-haystack py-autogen js-openai-raw js-openai-v4-raw js-ai-sdk-openai js-langchain
      js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat js-hf-inference
  ends with other text: py-litellm py-openai-agents py-smolagents py-strands py-agno js-pi-ai
sse-no-space-after-colon
  raises JSONDecodeError: py-hf-hub
sse-ping-event-with-data
  raises AI_TypeValidationError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises TypeError: py-llama-index py-llm py-haystack py-autogen
  raises TypeError in the documented loop: js-openai-raw js-openai-v4-raw js-eventsource-parser
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises TensorZeroError: rs-tensorzero
sse-raw-newline-in-json
  raises JSONDecodeError: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-llama-index py-llm py-hf-hub py-openai-agents py-smolagents
      py-haystack py-strands py-autogen
  raises SyntaxError: js-openai-raw js-openai-v4-raw js-langchain js-hf-inference js-openai-agents
  raises AI_JSONParseError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises ModelAPIError: py-pydantic-ai py-pydantic-ai-direct
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises MidStreamFallbackError: py-litellm
  raises SyntaxError in the documented loop: js-eventsource-parser
  raises TensorZeroError: rs-tensorzero
  reports an error: py-agno
  stops with an error: js-pi-ai
  ends with other text: js-fetch-event-source rs-baml
sse-unterminated-final-event
  raises AI_InvalidResponseDataError when it is the finish chunk: js-ai-sdk-compat
  raises OpenAIError when it is the finish chunk: js-openai-v4-stream
  ends with another finish_reason when it is the finish chunk: py-openai-raw py-openai-async py-openai-stream
      py-openai-v1.35-raw py-openai-v1.109-stream py-langchain py-llama-index py-llm py-haystack py-autogen
      js-openai-v4-raw js-ai-sdk-openai js-eventsource-parser js-hf-inference rs-tensorzero
  ends with other text when it is the finish chunk: py-strands
stall-gap
  waits for ever when it never ends: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-litellm py-pydantic-ai py-pydantic-ai-direct py-llama-index py-llm
      py-hf-hub py-openai-agents py-smolagents py-haystack py-strands py-agno py-autogen js-openai-raw
      js-openai-stream js-openai-v4-raw js-openai-v4-stream js-ai-sdk-openai js-ai-sdk-compat js-langchain
      js-fetch-event-source js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat js-hf-inference
      js-openai-agents js-pi-ai rs-baml rs-tensorzero
surrogate-escape-split
  raises TensorZeroError: rs-tensorzero
  ends with other text: rs-baml
tool-call-args-before-name
  raises AI_InvalidResponseDataError: js-ai-sdk-openai js-ai-sdk4-openai js-ai-sdk4-compat
  ends with other function names: py-openai-raw py-openai-async py-openai-v1.35-raw py-llm py-hf-hub js-openai-raw
      js-openai-v4-raw js-fetch-event-source js-eventsource-parser js-hf-inference
  ends with another number of calls: py-strands
tool-call-arguments-double-encoded
  reports an error: py-agno
  ends with other arguments: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-litellm py-pydantic-ai py-pydantic-ai-direct py-llama-index py-hf-hub
      py-openai-agents py-smolagents py-autogen js-openai-raw js-openai-stream js-openai-v4-raw
      js-openai-v4-stream js-fetch-event-source js-eventsource-parser js-hf-inference js-openai-agents
      rs-tensorzero
  ends with other arguments and a call marked invalid: py-langchain js-langchain
tool-call-arguments-duplicated
  raises JSONDecodeError in the documented loop: py-openai-raw py-openai-async py-openai-v1.35-raw py-litellm
      py-hf-hub
  raises SyntaxError in the documented loop: js-openai-raw js-openai-v4-raw js-fetch-event-source
      js-eventsource-parser js-hf-inference
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises JSONDecodeError: py-llm
  reports an error: py-agno
  ends with other arguments: py-pydantic-ai py-pydantic-ai-direct py-llama-index py-openai-agents py-smolagents
      py-strands py-autogen js-openai-agents rs-tensorzero
  ends with other arguments and a call marked invalid: js-ai-sdk-openai js-ai-sdk-compat js-langchain
  ends with another number of calls: py-haystack
  raises JSONDecodeError when the whole comes again at the end: py-openai-stream py-openai-v1.109-stream
  raises ValueError when they are cumulative: py-openai-stream py-openai-v1.109-stream
  ends with another number of calls when they are cumulative: js-ai-sdk4-openai js-ai-sdk4-compat
  ends with other arguments when they are cumulative: js-pi-ai
  ends with other arguments and a call marked invalid when they are cumulative: py-langchain
tool-call-arguments-not-json
  raises JSONDecodeError in the documented loop: py-openai-raw py-openai-async py-openai-v1.35-raw py-litellm
      py-hf-hub
  raises SyntaxError in the documented loop: js-openai-raw js-openai-v4-raw js-fetch-event-source
      js-eventsource-parser js-hf-inference
  raises JSONDecodeError: py-openai-stream py-openai-v1.109-stream py-llm
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  reports an error: py-agno
  ends with other arguments: py-pydantic-ai py-pydantic-ai-direct py-openai-agents py-smolagents py-strands
      py-autogen js-openai-agents rs-tensorzero
  ends with another number of calls: py-haystack js-ai-sdk4-openai js-ai-sdk4-compat
  ends with other arguments and a call marked invalid: js-ai-sdk-openai js-ai-sdk-compat
tool-call-arguments-null
  raises SyntaxError in the documented loop when a delta has none: js-fetch-event-source
  raises TypeError in the documented loop when a delta has none, or when they are null throughout: py-openai-raw
      py-openai-async py-openai-v1.35-raw py-hf-hub
  raises SyntaxError in the documented loop when a delta has none, or when they are empty text throughout:
      js-openai-raw js-openai-v4-raw js-eventsource-parser js-hf-inference
  raises TypeError when they are null throughout: py-openai-stream py-openai-v1.109-stream
  ends with other arguments when they are null throughout: js-openai-raw js-openai-v4-raw js-eventsource-parser
      js-hf-inference
  raises OpenAIError when they are null throughout, or when they are empty text throughout: js-openai-stream
      js-openai-v4-stream
  ends with other arguments when they are null throughout, or when they are empty text throughout: py-langchain
      py-litellm py-pydantic-ai py-pydantic-ai-direct py-llama-index py-llm py-openai-agents py-smolagents
      py-haystack py-strands py-agno py-autogen js-ai-sdk-openai js-ai-sdk-compat js-langchain
      js-fetch-event-source js-openai-agents js-pi-ai rs-tensorzero
  ends with another number of calls when they are null throughout, or when they are empty text throughout:
      js-ai-sdk4-openai js-ai-sdk4-compat
  raises JSONDecodeError in the documented loop when they are empty text throughout: py-openai-raw
      py-openai-async py-openai-v1.35-raw py-hf-hub
  raises JSONDecodeError when they are empty text throughout: py-openai-stream py-openai-v1.109-stream
tool-call-arguments-object
  raises TypeError: py-llm py-openai-agents py-smolagents py-haystack py-strands py-autogen
  raises AI_TypeValidationError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises TypeError in the documented loop: py-openai-raw py-openai-async py-openai-v1.35-raw py-hf-hub
  raises SyntaxError in the documented loop: js-openai-raw js-openai-v4-raw js-hf-inference
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises TensorZeroError: rs-tensorzero
  raises ValidationError: py-langchain
  reports an error: py-agno
  ends with other arguments: js-openai-agents js-pi-ai
  raises TypeError when nothing comes before it: py-openai-stream py-openai-v1.109-stream
  ends with other arguments and a call marked invalid when nothing comes before it: js-langchain
  raises JSONDecodeError when empty text comes before it: py-openai-stream py-openai-v1.109-stream
  raises SyntaxError in the documented loop when empty text comes before it: js-fetch-event-source
      js-eventsource-parser
  raises UnexpectedModelBehavior when empty text comes before it: py-pydantic-ai py-pydantic-ai-direct
  raises Error when empty text comes before it: js-langchain
  raises TypeError when empty text comes before it: py-llama-index
tool-call-arguments-truncated
  raises JSONDecodeError in the documented loop when [DONE] comes, no finish_reason: py-openai-raw py-openai-async
      py-openai-v1.35-raw py-litellm py-hf-hub
  raises SyntaxError in the documented loop when [DONE] comes, no finish_reason: js-openai-raw js-openai-v4-raw
      js-fetch-event-source js-eventsource-parser js-hf-inference
  raises JSONDecodeError when [DONE] comes, no finish_reason: py-openai-stream py-openai-v1.109-stream py-llm
  raises OpenAIError when [DONE] comes, no finish_reason: js-openai-stream js-openai-v4-stream
  raises AI_InvalidResponseDataError when [DONE] comes, no finish_reason: js-ai-sdk-compat
  reports an error when [DONE] comes, no finish_reason: py-agno
  says nothing, ends with another number of calls and another finish_reason when [DONE] comes, no finish_reason:
      py-langchain py-pydantic-ai py-pydantic-ai-direct py-llama-index py-haystack py-autogen js-ai-sdk-openai
      js-langchain js-ai-sdk4-openai js-ai-sdk4-compat js-pi-ai rs-tensorzero
  says nothing, ends with another number of calls when [DONE] comes, no finish_reason: py-openai-agents
      py-smolagents py-strands js-openai-agents
tool-call-finish-per-call
  ends with another answer: openai-python openai-node
  ends with another answer when it ends each call: langchain-py langchain-js
  raises JSONDecodeError when every chunk has one: py-openai-stream py-openai-v1.109-stream
  raises OpenAIError when every chunk has one: js-openai-stream js-openai-v4-stream
  ends with another finish_reason when every chunk has one: py-langchain js-langchain
  ends with another number of calls when every chunk has one: py-strands
tool-call-finish-stop
  ends with another finish_reason: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-litellm py-pydantic-ai py-pydantic-ai-direct py-llama-index py-llm
      py-hf-hub py-haystack py-autogen js-openai-raw js-openai-stream js-openai-v4-raw js-openai-v4-stream
      js-ai-sdk-openai js-ai-sdk-compat js-langchain js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat
      js-hf-inference js-pi-ai rs-tensorzero
  ends with another number of calls when both calls come in the same chunk: js-fetch-event-source
tool-call-function-missing
  raises AI_TypeValidationError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises AttributeError in the documented loop: py-openai-raw py-openai-async py-openai-v1.35-raw py-hf-hub
  raises TypeError in the documented loop: js-openai-raw js-openai-v4-raw js-eventsource-parser js-hf-inference
  raises AssertionError: py-openai-stream py-openai-v1.109-stream py-llama-index
  raises AttributeError: py-langchain py-llm py-strands
  raises TensorZeroError: rs-tensorzero
  ends with other arguments: js-fetch-event-source
tool-call-id-duplicate
  raises ModelBehaviorError: py-openai-agents js-openai-agents
  ends with other call ids: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-litellm py-pydantic-ai py-pydantic-ai-direct py-llama-index py-llm
      py-hf-hub py-smolagents py-haystack py-strands py-agno py-autogen js-openai-raw js-openai-stream
      js-openai-v4-raw js-openai-v4-stream js-ai-sdk-openai js-ai-sdk-compat js-langchain js-fetch-event-source
      js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat js-hf-inference
  ends with another number of calls: rs-tensorzero
  ends with other function names and other call ids: js-pi-ai
tool-call-id-empty-continuation
  ends with another number of calls when it is empty text: rs-tensorzero
  ends with other call ids when it is empty text: py-haystack
tool-call-id-missing
  raises AI_InvalidResponseDataError: js-ai-sdk4-openai js-ai-sdk4-compat
  raises ModelBehaviorError: py-openai-agents js-openai-agents
  raises Error in the documented loop: js-fetch-event-source
  raises OpenAIError: js-openai-v4-stream
  raises TensorZeroError: rs-tensorzero
  ends with other call ids: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-pydantic-ai py-pydantic-ai-direct py-llama-index py-llm py-hf-hub
      py-smolagents py-haystack py-agno py-autogen js-openai-raw js-openai-stream js-openai-v4-raw
      js-ai-sdk-openai js-ai-sdk-compat js-eventsource-parser js-hf-inference js-pi-ai
  ends with another number of calls: py-litellm py-strands
  ends with other call ids and a call marked invalid: js-langchain
tool-call-id-repeated
  raises SyntaxError in the documented loop: js-fetch-event-source
  ends with other call ids: py-openai-stream py-openai-v1.109-stream py-llama-index py-autogen
tool-call-id-unstable
  raises SyntaxError in the documented loop: js-fetch-event-source
  ends with other call ids: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-litellm py-pydantic-ai py-pydantic-ai-direct py-llama-index py-llm py-hf-hub
      py-openai-agents py-smolagents py-haystack py-strands py-agno py-autogen js-openai-raw js-openai-stream
      js-openai-v4-raw js-openai-v4-stream js-ai-sdk-openai js-ai-sdk-compat js-eventsource-parser
      js-ai-sdk4-openai js-ai-sdk4-compat js-hf-inference js-openai-agents js-pi-ai
  ends with another number of calls: py-langchain js-langchain rs-tensorzero
tool-call-index-collision
  raises JSONDecodeError in the documented loop when both calls come whole with 0: py-openai-raw py-openai-async
      py-openai-v1.35-raw py-litellm py-hf-hub
  raises SyntaxError in the documented loop when both calls come whole with 0: js-openai-raw js-openai-v4-raw
      js-eventsource-parser js-hf-inference
  raises OpenAIError when both calls come whole with 0: js-openai-stream js-openai-v4-stream
  raises JSONDecodeError when both calls come whole with 0: py-llm
  raises ModelBehaviorError when both calls come whole with 0: js-openai-agents
  raises UnexpectedModelBehavior when both calls come whole with 0: py-pydantic-ai
  reports an error when both calls come whole with 0: py-agno
  ends with another number of calls when both calls come whole with 0: py-llama-index py-smolagents py-haystack
      py-strands py-autogen js-pi-ai
  ends with other arguments when both calls have 0: py-langchain
  ends with other function names, other arguments, other call ids and a call marked invalid when both calls have
      0: js-langchain
  raises AI_InvalidResponseDataError when it grows with every delta: js-ai-sdk4-openai js-ai-sdk4-compat
  raises JSONDecodeError when it grows with every delta: py-openai-stream py-openai-v1.109-stream
  raises IndexError when it grows with every delta: py-pydantic-ai-direct
  raises ModelBehaviorError when it grows with every delta: py-openai-agents
  raises TensorZeroError when it grows with every delta: rs-tensorzero
  ends with other arguments when it grows with every delta: js-ai-sdk-compat
tool-call-index-missing
  raises AI_TypeValidationError: js-ai-sdk-openai js-ai-sdk4-openai
  raises TypeError: py-openai-stream py-openai-v1.109-stream
  raises ValueError: py-smolagents py-haystack
  raises OpenAIError: js-openai-stream
  raises TensorZeroError: rs-tensorzero
  ends with another number of calls: js-openai-v4-stream
  ends with another number of calls when there is one call, or when there are several calls: py-langchain
      js-langchain js-pi-ai
  raises JSONDecodeError in the documented loop when there are several calls: py-litellm
  raises JSONDecodeError in the documented loop when there are several calls, or when several come in one chunk:
      py-openai-raw py-openai-async py-openai-v1.35-raw py-hf-hub
  raises SyntaxError in the documented loop when there are several calls, or when several come in one chunk:
      js-openai-raw js-openai-v4-raw js-eventsource-parser js-hf-inference
  raises JSONDecodeError when there are several calls, or when several come in one chunk: py-llm
  raises ModelBehaviorError when there are several calls, or when several come in one chunk: js-openai-agents
  reports an error when there are several calls, or when several come in one chunk: py-agno
  ends with another number of calls when there are several calls, or when several come in one chunk:
      py-llama-index py-openai-agents py-strands py-autogen js-ai-sdk4-compat
  ends with another number of calls when several come in one chunk: js-fetch-event-source
tool-call-index-negative
  raises AI_TypeValidationError when it is text: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai
      js-ai-sdk4-compat
  raises OpenAIError when it is text: js-openai-stream
  raises TensorZeroError when it is text: rs-tensorzero
  ends with another number of calls when it is text: js-pi-ai
tool-call-index-offset
  raises IndexError: py-openai-stream py-openai-v1.109-stream
  raises TensorZeroError: rs-tensorzero
  raises OpenAIError when a number is left out: js-openai-stream js-openai-v4-stream
  ends with another number of calls when a number is left out: py-agno
  ends with calls in another order when call 1 comes before call 0: py-openai-raw py-openai-async
      py-openai-v1.35-raw py-langchain py-pydantic-ai py-pydantic-ai-direct py-llama-index py-llm py-hf-hub
      py-openai-agents py-smolagents py-strands py-autogen js-langchain js-fetch-event-source js-ai-sdk4-openai
      js-ai-sdk4-compat js-pi-ai
tool-call-leaked-as-text
  ends with other text, another number of calls and another finish_reason: py-openai-raw py-openai-async
      py-openai-stream py-openai-v1.35-raw py-openai-v1.109-stream py-langchain py-litellm py-pydantic-ai
      py-pydantic-ai-direct py-llama-index py-llm py-hf-hub py-haystack py-strands py-autogen js-openai-raw
      js-openai-stream js-openai-v4-raw js-openai-v4-stream js-ai-sdk-openai js-ai-sdk-compat js-langchain
      js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat js-hf-inference js-pi-ai rs-tensorzero
  ends with other text and another number of calls: py-openai-agents py-smolagents py-agno js-fetch-event-source
      js-openai-agents
tool-call-legacy-function-call
  raises Error in the documented loop: js-fetch-event-source
  raises MaxTurnsExceededError: js-openai-agents
  raises UnexpectedModelBehavior: py-pydantic-ai
  raises ValueError: py-autogen
  ends with another number of calls and another finish_reason: py-openai-raw py-openai-async py-openai-stream
      py-openai-v1.35-raw py-openai-v1.109-stream py-langchain py-litellm py-llama-index py-llm py-hf-hub
      py-strands js-openai-raw js-openai-stream js-openai-v4-raw js-openai-v4-stream js-langchain
      js-eventsource-parser js-hf-inference
  ends with another number of calls: py-pydantic-ai-direct py-openai-agents py-smolagents py-haystack py-agno
      js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat js-pi-ai rs-tensorzero
tool-call-name-empty-continuation
  raises OpenAIError: js-openai-stream
  ends with another number of calls when id and name are empty text: rs-tensorzero
  ends with other call ids when id and name are empty text: py-haystack
  raises AssertionError when id, type and name are null: py-openai-stream py-openai-v1.109-stream
tool-call-name-missing
  raises AI_InvalidResponseDataError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises ModelBehaviorError: py-openai-agents js-openai-agents
  raises UnexpectedModelBehavior: py-pydantic-ai
  reports an error: py-agno
  ends with other function names: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-llama-index py-llm py-hf-hub py-smolagents py-haystack py-autogen
      js-openai-raw js-openai-stream js-openai-v4-raw js-openai-v4-stream js-langchain js-fetch-event-source
      js-eventsource-parser js-hf-inference js-pi-ai rs-tensorzero
  ends with another number of calls: py-litellm py-pydantic-ai-direct py-strands
tool-call-name-not-in-tools
  raises AI_NoSuchToolError: js-ai-sdk4-openai js-ai-sdk4-compat
  raises ModelBehaviorError: py-openai-agents js-openai-agents
  raises UnexpectedModelBehavior: py-pydantic-ai
  reports an error: py-agno
  ends with a call marked invalid: js-ai-sdk-openai js-ai-sdk-compat
tool-call-name-repeated
  raises ModelBehaviorError: js-openai-agents
  raises UnexpectedModelBehavior: py-pydantic-ai
  ends with other function names: py-openai-stream py-openai-v1.109-stream py-langchain py-pydantic-ai-direct
      py-llama-index py-haystack py-autogen rs-tensorzero
  raises SyntaxError in the documented loop when id and type are repeated as well: js-fetch-event-source
tool-call-name-split
  raises AI_NoSuchToolError: js-ai-sdk4-openai js-ai-sdk4-compat
  raises ModelBehaviorError: py-openai-agents
  raises OpenAIError: js-openai-stream
  ends with other function names: py-openai-raw py-openai-async py-openai-v1.35-raw py-litellm py-llm py-hf-hub
      py-smolagents py-strands py-agno js-openai-raw js-openai-v4-raw js-openai-v4-stream js-langchain
      js-fetch-event-source js-eventsource-parser js-hf-inference js-pi-ai
  ends with another number of calls: js-ai-sdk-openai js-ai-sdk-compat
tool-call-not-in-array
  raises AttributeError when it is an object: py-pydantic-ai py-pydantic-ai-direct py-llm py-openai-agents
      py-smolagents py-haystack py-strands py-autogen
  raises AttributeError in the documented loop when it is an object: py-openai-raw py-openai-async
      py-openai-v1.35-raw py-hf-hub
  raises TypeError in the documented loop when it is an object: js-openai-raw js-openai-v4-raw
      js-eventsource-parser js-hf-inference
  raises AI_TypeValidationError when it is an object: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai
      js-ai-sdk4-compat
  raises KeyError when it is an object: py-openai-stream py-openai-v1.109-stream py-llama-index
  raises TypeError when it is an object: py-langchain js-openai-agents
  raises OpenAIError when it is an object: js-openai-stream js-openai-v4-stream
  raises Error in the documented loop when it is an object: js-fetch-event-source
  raises TensorZeroError when it is an object: rs-tensorzero
  reports an error when it is an object: py-agno
  stops with an error when it is an object: js-pi-ai
  ends with another number of calls when it is an object: py-litellm js-langchain
tool-call-parallel-lost
  ends with another number of calls: py-llama-index
  ends with another number of calls when several calls come in one chunk: js-fetch-event-source
  raises JSONDecodeError when the calls' deltas alternate: py-openai-stream py-openai-v1.109-stream
  raises OpenAIError when the calls' deltas alternate: js-openai-stream js-openai-v4-stream
  raises SyntaxError in the documented loop when the calls' deltas alternate: js-fetch-event-source
  ends with calls in another order when the calls' deltas alternate: js-ai-sdk4-openai js-ai-sdk4-compat
tool-call-type-missing
  raises AI_InvalidResponseDataError when it is absent or null: js-ai-sdk4-openai js-ai-sdk4-compat
  raises OpenAIError when it is absent or null, or when it is empty text: js-openai-stream js-openai-v4-stream
  reports an error when it is absent or null, or when it is empty text: py-agno
  raises AI_TypeValidationError when it is empty text: js-ai-sdk-openai js-ai-sdk4-openai js-ai-sdk4-compat
truncated-chunked-body
  raises APIConnectionError: py-openai-raw py-openai-async py-openai-stream py-llm py-openai-agents py-smolagents
      py-haystack py-autogen
  raises TypeError: js-openai-raw js-langchain js-fetch-event-source js-eventsource-parser js-ai-sdk4-openai
      js-ai-sdk4-compat js-hf-inference js-openai-agents
  raises RemoteProtocolError: py-openai-v1.35-raw py-openai-v1.109-stream py-llama-index py-hf-hub py-strands
  raises AI_APICallError: js-ai-sdk-openai js-ai-sdk-compat
  raises ModelConnectionError: py-pydantic-ai py-pydantic-ai-direct
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises BamlClientHttpError: rs-baml
  raises Error: js-openai-v4-raw
  raises MidStreamFallbackError: py-litellm
  raises OpenAIConnectionError: py-langchain
  raises TensorZeroError: rs-tensorzero
  reports an error: py-agno
  stops with an error: js-pi-ai
usage-chunk-choices-null
  raises TypeError: py-openai-stream py-openai-v1.109-stream py-llama-index py-llm py-haystack py-autogen
  raises AI_TypeValidationError: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai js-ai-sdk4-compat
  raises TypeError in the documented loop: js-openai-raw js-openai-v4-raw js-eventsource-parser
  raises OpenAIError: js-openai-stream js-openai-v4-stream
  raises BamlClientHttpError: rs-baml
  raises TensorZeroError: rs-tensorzero
usage-in-choice
  ends with other usage: py-openai-raw py-openai-async py-openai-stream py-openai-v1.35-raw
      py-openai-v1.109-stream py-langchain py-litellm py-pydantic-ai py-pydantic-ai-direct py-llama-index py-llm
      py-hf-hub py-openai-agents py-smolagents py-haystack py-strands py-agno py-autogen js-openai-raw
      js-openai-stream js-openai-v4-raw js-openai-v4-stream js-ai-sdk-openai js-ai-sdk-compat js-langchain
      js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat js-hf-inference js-openai-agents rs-baml
      rs-tensorzero
usage-inconsistent
  raises TypeError when completion_tokens is null: py-smolagents py-autogen
  raises BamlClientHttpError when completion_tokens is null: rs-baml
  ends with other usage when completion_tokens is null: py-openai-raw py-openai-async py-openai-stream
      py-openai-v1.35-raw py-openai-v1.109-stream py-langchain py-litellm py-pydantic-ai py-pydantic-ai-direct
      py-llama-index py-llm py-hf-hub py-openai-agents py-haystack py-strands py-agno js-openai-raw
      js-openai-stream js-openai-v4-raw js-openai-v4-stream js-langchain js-eventsource-parser js-hf-inference
      js-pi-ai
  raises TensorZeroError when the numbers are floats: rs-tensorzero
  raises AI_TypeValidationError when the numbers are text: js-ai-sdk-openai js-ai-sdk-compat js-ai-sdk4-openai
      js-ai-sdk4-compat
  raises ZodError when the numbers are text: js-openai-agents
usage-missing-when-requested
  ends with other usage when it stands in x_groq alone: py-openai-raw py-openai-async py-openai-stream
      py-openai-v1.35-raw py-openai-v1.109-stream py-langchain py-litellm py-pydantic-ai py-pydantic-ai-direct
      py-llama-index py-llm py-hf-hub py-openai-agents py-smolagents py-haystack py-strands py-agno py-autogen
      js-openai-raw js-openai-stream js-openai-v4-raw js-openai-v4-stream js-ai-sdk-openai js-ai-sdk-compat
      js-langchain js-eventsource-parser js-ai-sdk4-openai js-ai-sdk4-compat js-hf-inference js-openai-agents
      js-pi-ai rs-baml rs-tensorzero
usage-on-content-or-finish-chunk
  ends with another finish_reason when the finish chunk has it: py-autogen
usage-on-every-chunk
  ends with other usage when it has numbers, or when it comes twice: py-langchain py-pydantic-ai
      py-pydantic-ai-direct py-smolagents py-agno
  ends with another finish_reason when it has numbers, or when it is an empty object until the end: py-autogen
  raises TypeError when it is an empty object until the end: py-smolagents
  ends with other text when it is an empty object until the end: rs-baml
usage-order
  ends with other usage: py-openai-stream py-openai-v1.109-stream py-strands py-autogen js-openai-stream
      js-openai-v4-stream
"""

OBSERVED = """\
content-length-mismatch
  raises an error: openai-python openai-python-stream openai-node openai-node-stream ai-sdk-compat ai-sdk-openai
      langchain-py langchain-js litellm pydantic-ai
encoding-mislabelled
  raises an error: openai-python openai-python-stream openai-node openai-node-stream ai-sdk-compat ai-sdk-openai
      langchain-py langchain-js litellm pydantic-ai
gateway-masks-truncation
  raises an error: openai-node-stream ai-sdk-compat
  says nothing, ends with part of the answer: openai-python openai-python-stream openai-node ai-sdk-openai
      langchain-py langchain-js litellm pydantic-ai
sse-extra-leading-space
  raises an error: openai-python openai-python-stream openai-node openai-node-stream ai-sdk-compat ai-sdk-openai
      langchain-py langchain-js litellm pydantic-ai
sse-invalid-field-name
  raises an error: openai-python-stream openai-node-stream ai-sdk-compat langchain-py pydantic-ai
  ends with another answer: openai-python openai-node ai-sdk-openai langchain-js litellm
sse-double-data-prefix
  raises an error: openai-python openai-python-stream openai-node openai-node-stream ai-sdk-compat ai-sdk-openai
      langchain-py langchain-js litellm pydantic-ai
sse-json-split-across-events
  raises an error: openai-python openai-python-stream openai-node openai-node-stream ai-sdk-compat ai-sdk-openai
      langchain-py langchain-js litellm pydantic-ai
sse-event-without-data
  raises an error: openai-python openai-python-stream openai-node openai-node-stream langchain-py langchain-js
      litellm pydantic-ai
sse-id-plus-extra-blank-line
  raises an error: openai-python openai-python-stream langchain-py litellm pydantic-ai
sse-nul-byte
  raises an error: openai-python openai-python-stream openai-node openai-node-stream ai-sdk-compat ai-sdk-openai
      langchain-py langchain-js litellm pydantic-ai
json-not-object
  raises an error: openai-python-stream openai-node openai-node-stream ai-sdk-compat ai-sdk-openai langchain-py
      langchain-js litellm pydantic-ai
json-python-repr
  raises an error: openai-python openai-python-stream openai-node openai-node-stream ai-sdk-compat ai-sdk-openai
      langchain-py langchain-js litellm pydantic-ai
azure-async-filter-tail
  raises an error: openai-python openai-node
full-message-repeated
  ends with another answer: openai-python openai-python-stream openai-node openai-node-stream ai-sdk-compat
      ai-sdk-openai langchain-py langchain-js litellm pydantic-ai
role-wrong
  raises an error: openai-node-stream ai-sdk-compat ai-sdk-openai
content-wrong-type
  raises an error: openai-python ai-sdk-compat ai-sdk-openai langchain-py
  ends with another answer: openai-python-stream langchain-js litellm pydantic-ai
tool-call-arguments-empty-object-prefix
  ends with another answer: openai-python openai-python-stream openai-node openai-node-stream ai-sdk-compat
      ai-sdk-openai langchain-py langchain-js litellm pydantic-ai
"""

#: Told in issue trackers or read in a client's source, not measured here; the reference stands in brackets.
REPORTED = """\
anti-buffering-headers-missing
  shows nothing until the end (ggml-org/llama.cpp#20872): llama.cpp-webui
utf8-split-over-reads
  raises UnicodeDecodeError now and then (vllm-project/vllm#38717): vllm-bench
  ends with other text, torn characters (api7/aisix#111): aisix
oversized-sse-line
  raises an error beyond 128 KiB (open-webui/open-webui#28114): open-webui
  says nothing, ends at the first line beyond 64 KiB (its StreamHandler): one-api
  raises an error beyond 1 MiB (SamSaffron/term-llm#347): term-llm
sse-line-endings
  asks again without streaming when they are CRLF (farion1231/cc-switch#1787): cc-switch
  waits for a line end when they are CR alone (its ssestream): openai-go
sse-comment-keepalive
  raises an error (tmc/langchaingo#942): langchaingo
  raises an error (CopilotC-Nvim/CopilotChat.nvim#944): copilotchat-nvim
  raises an error (QuantumNous/new-api#1276): new-api
  raises an error (Lambdua/openai4j#86): openai4j
  raises an error before March 2025 (openai/openai-go#227): openai-go
sse-comment-rewrapped-as-data
  raises an error at the first one (mnfst/llm-gateway#2053): openai-node
chunk-id-changes
  says nothing, ends with the first chunk alone (its accumulator): openai-go
choices-empty-non-usage
  raises IndexError in its first versions (pydantic/pydantic-ai#164): pydantic-ai
unknown-extension-fields
  ends with citations doubled (langchain-ai/langchain#29176): langchain-py
service-tier-unknown
  raises an error, the chunk is lost (64bit/async-openai#498): async-openai
role-every-chunk
  raises an error (mudler/LocalAI#340): org-ai
content-lost-whitespace
  ends with other text, trimmed (langchain4j/langchain4j#5531): langchain4j
empty-tool-calls-array
  says nothing, ends with the first piece of text (spring-projects/spring-ai#6504): spring-ai
usage-unrequested
  raises IllegalStateException when a content chunk has it (its accumulator): openai-java
finish-reason-key-absent
  raises an error before June 2024 (mudler/LocalAI#1744): openai-kotlin
finish-reason-on-content-chunk
  says nothing, ends without the last piece (vllm-project/vllm-ascend#8327): some-loops
done-missing
  waits for it (huggingface/text-generation-inference#1896): azure-dotnet
  waits for it (mudler/LocalAI#340): org-ai
  reports an interrupted answer (ikawrakow/ik_llama.cpp#467): inference-benchmarker
error-code-shape
  raises a decoding error in place of the real one (its WrappedError): async-openai
tool-call-ghost-sentinel
  ends with another number of calls (langchain4j/langchain4j#5209): langchain4j
completions-finish-null
  raises an error in older versions (aallam/openai-kotlin#285): openai-kotlin
responses-sequence-number
  raises an error, the turn is lost (Wei-Shaw/sub2api#7129): grok-build
  reports a damaged stream when there is a gap (SamSaffron/term-llm#878): term-llm
responses-completed-output-empty
  says nothing, ends with an empty message (QuantumNous/new-api#4362): openclaw
responses-ids-unstable
  raises RuntimeError when the response's id changes (its Responses helper): openai-python-stream
responses-error-event-shape
  says nothing of the reason (BerriAI/litellm#40243): codex
responses-terminal-missing
  reports a lost connection and asks again (QuantumNous/new-api#6682): codex
responses-created-at-float
  raises an error for the float (QuantumNous/new-api#6682): new-api
  raises an error for the missing details (QuantumNous/new-api#6682): codex
responses-missing-required-fields
  reports a failure (theopenco/llmgateway#2287): open-responses-suite
responses-keepalive-event
  raises an error on an empty payload (caozhiyuan/copilot-api#88): ai-sdk-openai
"""

#: Rules whose streams no measured client minded.
HARMLESS = (
    "burst-delivery",
    "choices-empty-non-usage",
    "chunk-id-changes",
    "content-null-placeholder",
    "done-missing",
    "empty-tool-calls-array",
    "finish-reason-key-absent",
    "finish-reason-on-content-chunk",
    "responses-event-type-mismatch",
    "responses-sequence-number",
    "role-every-chunk",
    "service-tier-unknown",
    "sse-comment-keepalive",
    "sse-line-endings",
    "unknown-extension-fields",
    "utf8-split-over-reads",
)
