import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  type CallToolResult,
  CreateMessageResultSchema,
  ElicitResultSchema,
  type ServerNotification,
  type ServerRequest,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';

/** A PNG of one pixel. */
export const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
/** A WAV without a sample. */
const SILENCE = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=';

/** What the suite asks for between the messages of one call. */
const PAUSE_MS = 50;

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;
type Elicitation = Extract<ServerRequest, { method: 'elicitation/create' }>['params'];
type FormSchema = Extract<Elicitation, { requestedSchema: unknown }>['requestedSchema'];

interface FixtureTool {
  readonly description: string;
  readonly inputSchema?: Tool['inputSchema'];
  readonly run: (args: Readonly<Record<string, unknown>>, extra: Extra) => Promise<CallToolResult>;
}

/** The tools that the suite calls, as its scenarios describe them. */
export const FIXTURE_TOOLS: Readonly<Record<string, FixtureTool>> = {
  test_simple_text: {
    description: 'Answers with a text.',
    run: async () => text('This is a simple text response for testing.'),
  },
  test_image_content: {
    description: 'Answers with an image.',
    run: async () => ({ content: [{ type: 'image', data: PIXEL, mimeType: 'image/png' }] }),
  },
  test_audio_content: {
    description: 'Answers with a sound.',
    run: async () => ({ content: [{ type: 'audio', data: SILENCE, mimeType: 'audio/wav' }] }),
  },
  test_embedded_resource: {
    description: 'Answers with a resource.',
    run: async () => ({
      content: [resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
    }),
  },
  test_multiple_content_types: {
    description: 'Answers with a text, an image and a resource.',
    run: async () => ({
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        { type: 'image', data: PIXEL, mimeType: 'image/png' },
        resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
      ],
    }),
  },
  test_tool_with_logging: { description: 'Logs while it runs.', run: logWhileRunning },
  test_tool_with_progress: { description: 'Reports progress while it runs.', run: reportProgress },
  test_error_handling: {
    description: 'Fails.',
    run: async () => ({ ...text('This tool intentionally returns an error for testing'), isError: true }),
  },
  test_reconnection: { description: 'Closes its stream before it answers.', run: answerLater },
  test_sampling: {
    description: 'Asks the client for a completion.',
    inputSchema: required('prompt'),
    run: sample,
  },
  test_elicitation: {
    description: 'Asks the user behind the client.',
    inputSchema: required('message'),
    run: ({ message }, extra) => elicit(extra, String(message), USER_FORM),
  },
  test_elicitation_sep1034_defaults: {
    description: 'Asks with default values.',
    run: (_args, extra) => elicit(extra, 'With defaults', FORM_WITH_DEFAULTS),
  },
  test_elicitation_sep1330_enums: {
    description: 'Asks with every kind of choice.',
    run: (_args, extra) => elicit(extra, 'With choices', FORM_WITH_CHOICES),
  },
  json_schema_2020_12_tool: {
    description: 'Has an input schema of JSON Schema 2020-12.',
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: {
        address: {
          type: 'object',
          properties: { street: { type: 'string' }, city: { type: 'string' } },
        },
      },
      properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
      additionalProperties: false,
    },
    run: async () => text('It has a schema.'),
  },
};

const USER_FORM: FormSchema = {
  type: 'object',
  properties: {
    username: { type: 'string', description: "User's response" },
    email: { type: 'string', description: "User's email address" },
  },
  required: ['username', 'email'],
};

const FORM_WITH_DEFAULTS: FormSchema = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  },
};

const OPTIONS = ['option1', 'option2', 'option3'];
const TITLED = [
  { const: 'value1', title: 'First Option' },
  { const: 'value2', title: 'Second Option' },
  { const: 'value3', title: 'Third Option' },
];

const FORM_WITH_CHOICES: FormSchema = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: OPTIONS },
    titledSingle: { type: 'string', oneOf: TITLED },
    legacyEnum: {
      type: 'string',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
    titledMulti: { type: 'array', items: { anyOf: TITLED } },
  },
};

async function logWhileRunning(_args: unknown, extra: Extra): Promise<CallToolResult> {
  await log(extra, 'Tool execution started');
  await pause();
  await log(extra, 'Tool processing data');
  await pause();
  await log(extra, 'Tool execution completed');
  return text('Logged three times.');
}

async function reportProgress(_args: unknown, extra: Extra): Promise<CallToolResult> {
  const progressToken = extra._meta?.progressToken;
  for (const progress of [0, 50, 100]) {
    if (progressToken !== undefined) {
      const params = { progressToken, progress, total: 100 };
      await extra.sendNotification({ method: 'notifications/progress', params });
    }
    if (progress < 100) await pause();
  }
  return text('Done.');
}

/** SEP-1699. The log message makes the answer a stream; where the transport can, it is closed before the result. */
async function answerLater(_args: unknown, extra: Extra): Promise<CallToolResult> {
  await log(extra, 'Closing the stream');
  extra.closeSSEStream?.();
  await pause();
  return text('Answered after the stream was closed.');
}

async function sample({ prompt }: Readonly<Record<string, unknown>>, extra: Extra): Promise<CallToolResult> {
  const params = {
    messages: [{ role: 'user' as const, content: { type: 'text' as const, text: String(prompt) } }],
    maxTokens: 100,
  };
  const answer = await extra.sendRequest(
    { method: 'sampling/createMessage', params },
    CreateMessageResultSchema,
  );
  return text(`LLM response: ${JSON.stringify(answer.content)}`);
}

async function elicit(extra: Extra, message: string, requestedSchema: FormSchema): Promise<CallToolResult> {
  const params = { message, requestedSchema };
  const { action, content } = await extra.sendRequest(
    { method: 'elicitation/create', params },
    ElicitResultSchema,
  );
  return text(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`);
}

function log(extra: Extra, line: string): Promise<void> {
  return extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: line } });
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

function text(line: string): CallToolResult {
  return { content: [{ type: 'text', text: line }] };
}

function resource(uri: string, mimeType: string, body: string) {
  return { type: 'resource' as const, resource: { uri, mimeType, text: body } };
}

function required(name: string): Tool['inputSchema'] {
  return { type: 'object', properties: { [name]: { type: 'string' } }, required: [name] };
}
