// Runs a Node function: loads its handler, then asks the Runtime API for one event after the other.
//
// No dependencies. What a handler can observe (context, callback, errors, console) is what it observes on the platform;
// how it gets there is our own.
import fs from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import util from "node:util";

const API = "/2018-06-01/runtime/";
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const WATERMARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const WITH_PRELUDE = "application/vnd.awslambda.http-integration-response";
const ERROR_TYPE = "Lambda-Runtime-Function-Error-Type";
const ERROR_BODY = "Lambda-Runtime-Function-Error-Body";
const END_OF_HEAD = Buffer.from("\r\n\r\n");

// A fault of loading, with the type the platform gives it.
const fault = (type, message) => Object.assign(new Error(message), { name: `Runtime.${type}` });

// One kept connection to the Runtime API. When it is lost, the shield is gone and so is this process.
class Api {
  constructor(address) {
    const [host, port] = address.split(":");
    this.address = address;
    this.nextRequest = `GET ${API}invocation/next HTTP/1.1\r\nHost: ${address}\r\n\r\n`;
    this.parts = [];
    this.size = 0;
    this.wanted = undefined;
    this.pending = null;
    this.socket = net.connect({ host, port: Number(port), noDelay: true });
    this.socket.on("data", (data) => this.received(data));
    this.socket.on("close", () => process.exit(1));
    this.socket.on("error", () => process.exit(1));
  }

  next() {
    // While a call is awaited the process must live; while a handler runs, only the handler keeps it.
    this.socket.ref();
    return this.exchange(this.nextRequest, null);
  }

  post(target, body, headers = {}) {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
    const extra = Object.entries(headers).map(([name, value]) => `${name}: ${headerText(value)}\r\n`);
    const head = `POST ${API}${target} HTTP/1.1\r\nHost: ${this.address}\r\n${extra.join("")}Content-Length: ${bytes.length}\r\n\r\n`;
    this.socket.ref();
    return this.exchange(head, bytes);
  }

  // An answer in pieces; resolves when the Runtime API has answered to it.
  open(target, headers) {
    const extra = Object.entries(headers).map(([name, value]) => `${name}: ${headerText(value)}\r\n`);
    const framing = `Transfer-Encoding: chunked\r\nTrailer: ${ERROR_TYPE}, ${ERROR_BODY}\r\n`;
    const answered = new Promise((resolve) => (this.pending = resolve));
    this.socket.write(`POST ${API}${target} HTTP/1.1\r\nHost: ${this.address}\r\n${extra.join("")}${framing}\r\n`, "latin1");
    return answered;
  }

  // One piece; `done` is called when the system has taken it.
  piece(bytes, done) {
    this.socket.cork();
    this.socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
    this.socket.write(bytes);
    this.socket.write("\r\n", "latin1", () => done());
    this.socket.uncork();
  }

  // The end of an answer in pieces; with an error where it is not the end it should have.
  close(error) {
    this.socket.ref();
    const trailers = error === undefined ? "" : brokenOff(error);
    this.socket.write(`0\r\n${trailers}\r\n`, "latin1");
  }

  exchange(head, body) {
    return new Promise((resolve) => {
      this.pending = resolve;
      if (body === null || body.length === 0) {
        this.socket.write(head, "latin1");
      } else {
        this.socket.cork();
        this.socket.write(head, "latin1");
        this.socket.write(body);
        this.socket.uncork();
      }
    });
  }

  received(data) {
    this.parts.push(data);
    this.size += data.length;
    if (this.wanted !== undefined && this.size < this.wanted) {
      return;
    }
    const buffer = this.parts.length === 1 ? data : Buffer.concat(this.parts);
    this.parts = [buffer];
    const end = buffer.indexOf(END_OF_HEAD);
    if (end < 0) {
      return;
    }
    const lines = buffer.latin1Slice(0, end).split("\r\n");
    const headers = {};
    for (let i = 1; i < lines.length; i++) {
      const colon = lines[i].indexOf(":");
      headers[lines[i].slice(0, colon).toLowerCase()] = lines[i].slice(colon + 1).trim();
    }
    this.wanted = end + 4 + Number(headers["content-length"] ?? 0);
    if (buffer.length < this.wanted) {
      return;
    }
    const body = buffer.subarray(end + 4, this.wanted);
    const rest = buffer.subarray(this.wanted);
    this.parts = rest.length > 0 ? [rest] : [];
    this.size = rest.length;
    this.wanted = undefined;
    const resolve = this.pending;
    this.pending = null;
    this.socket.unref();
    resolve?.({ status: Number(lines[0].split(" ")[1]), headers, body });
  }
}

const headerText = (value) => String(value).replace(/[^\x20-\x7e]/g, "?").slice(0, 8192);

// The error document: type, message and trace.
const described = (error) => {
  if (util.types.isNativeError(error) || error instanceof Error) {
    const trace = typeof error.stack === "string" ? error.stack.split("\n") : [];
    return { errorType: error.name ?? "Error", errorMessage: error.message ?? "", trace };
  }
  const text = typeof error === "string" ? error : safely(() => error?.toString?.() ?? String(error));
  return { errorType: typeof error, errorMessage: text, trace: [] };
};

// The error of an answer that has begun: as trailers, which have little room.
const brokenOff = (error) => {
  const { errorType, errorMessage, trace } = described(error);
  const short = (text) => String(text).slice(0, 1024);
  const document = { errorType: short(errorType), errorMessage: short(errorMessage), trace: trace.slice(0, 16).map((line) => line.slice(0, 128)) };
  const body = Buffer.from(JSON.stringify(document)).toString("base64");
  return `${ERROR_TYPE}: ${headerText(short(errorType))}\r\n${ERROR_BODY}: ${body}\r\n`;
};

const safely = (make) => {
  try {
    return String(make());
  } catch {
    return "the error cannot be shown";
  }
};

const forLog = (error) => {
  const { errorType, errorMessage, trace } = described(error);
  const own = error instanceof Error ? { ...error } : {};
  return JSON.stringify({ errorType, errorMessage, ...own, stack: trace });
};

const context = { requestId: undefined };

// The console writes one line per call: time, request, level, text. Line ends within it become carriage returns.
const patchConsole = () => {
  const json = (process.env.AWS_LAMBDA_LOG_FORMAT ?? "").toUpperCase() === "JSON";
  const levels = { trace: 0, debug: 1, info: 2, warn: 3, error: 4, fatal: 5 };
  const lowest = json ? levels[(process.env.AWS_LAMBDA_LOG_LEVEL ?? "").toLowerCase()] ?? 0 : 0;
  const write = (level, values) => {
    const at = new Date().toISOString();
    if (!json) {
      const line = `${at}\t${context.requestId}\t${level.toUpperCase()}\t${util.format(...values)}`;
      fs.writeSync(1, `${line.replace(/\n/g, "\r")}\n`);
      return;
    }
    const only = values.length === 1 ? values[0] : undefined;
    const message = only !== undefined && typeof only === "object" && !(only instanceof Error) ? only : util.format(...values);
    const entry = { timestamp: at, level: level.toUpperCase(), requestId: context.requestId, message };
    const error = values.find((value) => value instanceof Error);
    if (error) {
      const { errorType, errorMessage, trace } = described(error);
      Object.assign(entry, { errorType, errorMessage, stackTrace: trace });
    }
    fs.writeSync(1, `${safely(() => JSON.stringify(entry))}\n`);
  };
  const put = (level) => (...values) => {
    if (levels[level] >= lowest) {
      write(level, values);
    }
  };
  console.log = put("info");
  for (const level of ["trace", "debug", "info", "warn", "error"]) {
    console[level] = put(level);
  }
  return write;
};

// Loading, by the platform's rules: an existing file without suffix, then .js as the nearest package.json says, .mjs,
// .cjs, and last what `require` finds.
const isModuleFolder = (folder) => {
  for (let at = folder; !at.endsWith("/node_modules"); at = path.dirname(at)) {
    const manifest = path.join(at, "package.json");
    if (fs.existsSync(manifest)) {
      try {
        return JSON.parse(fs.readFileSync(manifest, "utf8"))?.type === "module";
      } catch {
        return false;
      }
    }
    if (at === path.dirname(at)) {
      return false;
    }
  }
  return false;
};

const isFile = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

const loadModule = async (root, folder, name) => {
  const require = createRequire(path.join(root, "index.js"));
  const file = path.resolve(root, folder, name);
  if (isFile(file)) {
    return require(file);
  }
  if (isFile(`${file}.js`)) {
    return isModuleFolder(path.dirname(file)) ? import(pathToFileURL(`${file}.js`)) : require(`${file}.js`);
  }
  if (isFile(`${file}.mjs`)) {
    return import(pathToFileURL(`${file}.mjs`));
  }
  if (isFile(`${file}.cjs`)) {
    return require(`${file}.cjs`);
  }
  return require(require.resolve(name, { paths: [root, path.resolve(root, folder)] }));
};

const load = async (root, full) => {
  if (full.includes("..")) {
    const advice = "Use absolute paths when specifying root directories in handler names.";
    throw fault("MalformedHandlerName", `'${full}' is not a valid handler name. ${advice}`);
  }
  const base = path.basename(full);
  const folder = full.slice(0, full.indexOf(base));
  const parts = /^([^.]*)\.(.*)$/.exec(base);
  if (parts === null) {
    throw fault("MalformedHandlerName", "Bad handler");
  }
  let loaded;
  try {
    loaded = await loadModule(root, folder, parts[1]);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw Object.assign(fault("UserCodeSyntaxError", error.toString()), { stack: error.stack });
    }
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") {
      throw Object.assign(fault("ImportModuleError", error.toString()), { stack: error.stack });
    }
    throw error;
  }
  const found = parts[2].split(".").reduce((at, key) => at?.[key], loaded);
  if (!found) {
    throw fault("HandlerNotFound", `${full} is undefined or not exported`);
  }
  if (typeof found !== "function") {
    throw fault("HandlerNotFound", `${full} is not a function`);
  }
  return found;
};

// Answers as streams: every piece goes out as it is written, the head with the first of them.
class ResponseStream extends Writable {
  constructor(api, id, highWaterMark) {
    super({ highWaterMark });
    this.api = api;
    this.id = id;
    this.answered = null;
    this.contentType = "application/octet-stream";
  }

  begin() {
    const headers = { "Content-Type": this.contentType, "Lambda-Runtime-Function-Response-Mode": "streaming" };
    this.answered ??= this.api.open(`invocation/${this.id}/response`, headers);
  }

  setContentType(type) {
    if (this.answered !== null) {
      throw fault("InvalidStreamingOperation", "Cannot set content-type, too late.");
    }
    this.contentType = type;
  }

  write(chunk, ...rest) {
    this._onBeforeFirstWrite?.((bytes) => super.write(bytes));
    this._onBeforeFirstWrite = undefined;
    const plain = typeof chunk === "string" || chunk instanceof Uint8Array;
    return super.write(plain ? chunk : JSON.stringify(chunk), ...rest);
  }

  _write(chunk, _encoding, done) {
    const bytes = Buffer.from(chunk);
    if (bytes.length === 0) {
      done();
      return;
    }
    this.begin();
    this.api.piece(bytes, done);
  }
}

const HttpResponseStream = {
  from(stream, prelude) {
    stream.setContentType(WITH_PRELUDE);
    stream._onBeforeFirstWrite = (write) => {
      write(JSON.stringify(prelude));
      write(new Uint8Array(8));
    };
    return stream;
  },
};

const provideGlobals = () => {
  globalThis.awslambda = {
    streamifyResponse: (handler, options) => {
      handler[STREAMING] = "response";
      if (typeof options?.highWaterMark === "number") {
        handler[WATERMARK] = Math.trunc(options.highWaterMark);
      }
      return handler;
    },
    HttpResponseStream,
  };
};

const parsedHeader = (headers, name) => {
  const text = headers[`lambda-runtime-${name}`];
  return text ? JSON.parse(Buffer.from(text, "latin1").toString("utf8")) : undefined;
};

const contextOf = (headers) => {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsedHeader(headers, "client-context"),
    identity: parsedHeader(headers, "cognito-identity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    tenantId: headers["lambda-runtime-aws-tenant-id"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
};

const isPromise = (value) => typeof value?.then === "function";

class Runtime {
  constructor(api, handler, log) {
    this.api = api;
    this.handler = handler;
    this.log = log;
    this.atLoopEnd = null;
    this.streaming = null;
    process.on("beforeExit", () => {
      const act = this.atLoopEnd;
      this.atLoopEnd = null;
      act?.();
    });
  }

  async run() {
    for (;;) {
      const { status, headers, body } = await this.api.next();
      if (status !== 200) {
        process.exit(1);
      }
      const id = headers["lambda-runtime-aws-request-id"];
      context.requestId = id;
      process.env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"];
      await (this.handler[STREAMING] ? this.stream(id, headers, body) : this.call(id, headers, body));
    }
  }

  // Runs the handler in whichever form it has: a promise, a callback, or nothing but an event loop that runs empty.
  async call(id, headers, body) {
    const { result, error } = await new Promise((resolve) => {
      let settled = false;
      const settle = (outcome, now) => {
        if (settled) {
          return;
        }
        settled = true;
        this.atLoopEnd = null;
        if (now) {
          resolve(outcome);
        } else {
          this.atLoopEnd = () => resolve(outcome);
        }
      };
      try {
        const given = contextOf(headers);
        const callback = (error, result) => {
          const failed = error !== undefined && error !== null;
          settle(failed ? { error } : { result }, failed || !given.callbackWaitsForEmptyEventLoop);
        };
        given.succeed = (result) => settle({ result }, true);
        given.fail = (error) => settle({ error: error ?? "handled" }, true);
        given.done = callback;
        this.atLoopEnd = () => settle({ result: null }, true);
        this.failNow = (error) => settle({ error }, true);
        const returned = this.handler(JSON.parse(body.toString("utf8")), given, callback);
        if (isPromise(returned)) {
          returned.then((result) => settle({ result }, true), (error) => settle({ error: error ?? new Error(String(error)) }, true));
        }
      } catch (error) {
        settle({ error: error ?? new Error(String(error)) }, true);
      }
    });
    this.failNow = null;
    await (error === undefined ? this.respond(id, result) : this.fail(id, error));
  }

  async respond(id, result) {
    let text;
    try {
      text = JSON.stringify(result === undefined ? null : result) ?? "null";
    } catch (error) {
      return this.fail(id, fault("MarshalError", `Unable to stringify response body: ${error.message}`));
    }
    await this.api.post(`invocation/${id}/response`, text, { "Content-Type": "application/json" });
  }

  async fail(id, error) {
    this.log("error", ["Invoke Error", forLog(error)]);
    const document = described(error);
    const headers = { "Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": document.errorType };
    await this.api.post(`invocation/${id}/error`, JSON.stringify(document), headers);
  }

  async stream(id, headers, body) {
    const stream = new ResponseStream(this.api, id, this.handler[WATERMARK]);
    this.streaming = stream;
    try {
      const returned = this.handler(JSON.parse(body.toString("utf8")), stream, contextOf(headers));
      if (!isPromise(returned)) {
        throw new Error("Streaming does not support non-async handlers.");
      }
      await new Promise((resolve, reject) => {
        this.failNow = reject;
        returned.then(resolve, reject);
      });
      if (!stream.writableEnded) {
        throw new Error("Response stream is not finished.");
      }
      await new Promise((resolve) => (stream.writableFinished ? resolve() : stream.once("finish", resolve)));
    } catch (error) {
      return this.breakOff(error);
    } finally {
      this.failNow = null;
    }
    stream.begin();
    this.streaming = null;
    this.api.close();
    await stream.answered;
  }

  // An error of a call in flight whose answer may have begun.
  async breakOff(error) {
    const stream = this.streaming;
    this.streaming = null;
    if (stream.answered === null) {
      return this.fail(stream.id, error);
    }
    this.log("error", ["Invoke Error", forLog(error)]);
    stream.destroy();
    this.api.close(error);
    await stream.answered;
  }
}

const main = async () => {
  const log = patchConsole();
  const api = new Api(process.env.AWS_LAMBDA_RUNTIME_API);
  const refuse = async (error) => {
    log("error", ["Uncaught Exception", forLog(error)]);
    const document = described(error);
    const headers = { "Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": document.errorType };
    await api.post("init/error", JSON.stringify(document), headers);
    process.exit(129);
  };
  let runtime;
  // An error nobody caught ends the process, as on the platform; the call in flight hears of it first.
  const uncaught = (title, code) => async (error) => {
    log("error", [title, forLog(error)]);
    if (runtime === undefined) {
      return refuse(error);
    }
    if (runtime.streaming) {
      await runtime.breakOff(error);
    } else if (runtime.failNow) {
      const document = described(error);
      const headers = { "Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": document.errorType };
      await api.post(`invocation/${context.requestId}/error`, JSON.stringify(document), headers);
    }
    process.exit(code);
  };
  const rejected = (reason) => {
    const error = fault("UnhandledPromiseRejection", reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason));
    return Object.assign(error, { stack: reason?.stack ?? error.stack });
  };
  const onThrown = uncaught("Uncaught Exception", 129);
  const onRejected = uncaught("Unhandled Promise Rejection", 128);
  process.on("uncaughtException", (error) => onThrown(error));
  process.on("unhandledRejection", (reason) => onRejected(rejected(reason)));
  provideGlobals();
  const root = process.env.LAMBDA_TASK_ROOT ?? process.cwd();
  process.argv.splice(1);
  try {
    const handler = await load(root, process.env._HANDLER);
    runtime = new Runtime(api, handler, log);
  } catch (error) {
    return refuse(error);
  }
  await runtime.run();
};

main();
