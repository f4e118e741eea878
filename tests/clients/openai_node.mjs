// Reads names from standard input, asks for each as openai-node's documentation does, prints one JSON line a name.
import { createRequire } from "node:module";
import readline from "node:readline";

const OpenAI = createRequire(`${process.argv[2]}/`)("openai").default;
const client = (name) => new OpenAI({ apiKey: "x", baseURL: `${process.argv[3]}/@${name}/v1`, maxRetries: 0 });
const asked = { model: "m", messages: [{ role: "user", content: "?" }] };

async function plain(name) {
  const answer = { text: "", calls: [], finish: null };
  for await (const chunk of await client(name).chat.completions.create({ ...asked, stream: true })) {
    for (const choice of chunk.choices) {
      answer.text += choice.delta.content ?? "";
      answer.finish = choice.finish_reason ?? answer.finish;
      for (const call of choice.delta.tool_calls ?? []) {
        answer.calls[call.index] ??= [call.id, call.function.name, ""];
        answer.calls[call.index][2] += call.function.arguments ?? "";
      }
    }
  }
  return answer;
}

async function accumulated(name) {
  const choice = (await client(name).chat.completions.stream(asked).finalChatCompletion()).choices[0];
  const calls = (choice.message.tool_calls ?? []).map((call) => [call.id, call.function.name, call.function.arguments]);
  return { text: choice.message.content ?? "", calls, finish: choice.finish_reason };
}

for await (const name of readline.createInterface({ input: process.stdin })) {
  const line = { name };
  for (const [way, ask] of [["plain", plain], ["accumulated", accumulated]]) {
    try {
      line[way] = await ask(name);
    } catch (error) {
      line[way] = { error: String(error) };
    }
  }
  console.log(JSON.stringify(line));
}
