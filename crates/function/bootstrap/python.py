"""Runs a Python function: loads its handler, then asks the Runtime API for one event after the other.

Standard library only. What a handler can observe (context, errors, logging, environment) is what it observes on the
platform; how it gets there is our own.
"""

import importlib
import json
import logging
import os
import socket
import sys
import time
import traceback

API = "/2018-06-01/runtime/"
LIMIT = 6 * 1024 * 1024 + 100
HERE = os.path.abspath(__file__)


class Fault(Exception):
    """An error of loading, reading or writing rather than of the handler."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.trace = trace or []


class Api:
    """One kept connection to the Runtime API. When it is lost for good, the shield is gone and so is this process."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.place = (host, int(port))
        self.host = address
        self.sock = None
        self.buffer = b""
        self.ask_next = self.head("GET", "invocation/next") + b"\r\n"

    def head(self, method, path):
        return ("%s %s%s HTTP/1.1\r\nHost: %s\r\n" % (method, API, path, self.host)).encode("latin-1")

    def connect(self):
        self.sock = socket.create_connection(self.place)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def close(self):
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def next(self):
        status, headers, body = self.exchange(self.ask_next, b"")
        if status != 200:
            raise SystemExit("the Runtime API refused to give work: %d" % status)
        return headers, body

    def post(self, path, body, content_type="application/json", error_type=None):
        head = self.head("POST", path) + b"Content-Type: " + content_type.encode("latin-1") + b"\r\n"
        if error_type is not None:
            head += b"Lambda-Runtime-Function-Error-Type: " + header_text(error_type) + b"\r\n"
        return self.exchange(head + b"Content-Length: %d\r\n\r\n" % len(body), body)[0]

    def exchange(self, head, body):
        """Sends a request and reads its answer; a kept connection that was closed meanwhile is opened once more."""
        for attempt in (0, 1):
            try:
                if self.sock is None:
                    self.connect()
                self.sock.sendall(head + body if len(body) < 65536 else head)
                if len(body) >= 65536:
                    self.sock.sendall(body)
                return self.read()
            except OSError:
                self.close()
                if attempt:
                    raise SystemExit(1)

    def read(self):
        buffer = self.buffer
        while True:
            end = buffer.find(b"\r\n\r\n")
            if end >= 0:
                break
            buffer += self.receive()
        lines = buffer[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        body = buffer[end + 4 :]
        if len(body) < length:
            parts = [body]
            missing = length - len(body)
            while missing > 0:
                part = self.receive()
                parts.append(part)
                missing -= len(part)
            body = b"".join(parts)
        self.buffer = body[length:]
        return int(lines[0].split(" ", 2)[1]), headers, body[:length]

    def receive(self):
        part = self.sock.recv(262144)
        if not part:
            raise OSError("closed")
        return part


def header_text(text):
    return "".join(c if " " <= c <= "~" else "?" for c in str(text))[:200].encode("latin-1")


class Record:
    """A plain holder of what the client sent along; what it did not send reads as nothing."""

    def __init__(self, names, values):
        for name in names:
            setattr(self, name, values.get(name) if isinstance(values, dict) else None)

    def __repr__(self):
        return "%s(%s)" % (type(self).__name__, self.__dict__)


class CognitoIdentity(Record):
    pass


class ClientContext(Record):
    pass


class Client(Record):
    pass


class LambdaContext:
    """What a handler learns of its invocation."""

    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self._deadline_ms = int(headers.get("lambda-runtime-deadline-ms", "0"))
        self.client_context = self._client(headers.get("lambda-runtime-client-context"))
        identity = self._parsed(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity") or {}
        self.identity = CognitoIdentity(
            ["cognito_identity_id", "cognito_identity_pool_id"],
            {
                "cognito_identity_id": identity.get("cognitoIdentityId"),
                "cognito_identity_pool_id": identity.get("cognitoIdentityPoolId"),
            },
        )

    def _client(self, text):
        sent = self._parsed(text, "Client Context")
        if sent is None:
            return None
        context = ClientContext(["custom", "env", "client"], sent)
        if context.client is not None:
            names = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]
            context.client = Client(names, context.client)
        return context

    @staticmethod
    def _parsed(text, name):
        if not text:
            return None
        try:
            return json.loads(text.encode("latin-1").decode("utf-8"))
        except ValueError as error:
            message = "Unable to parse %s JSON: %s" % (name, error)
            raise Fault("Runtime.LambdaContextUnmarshalError", message) from None

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        shown = ", ".join("%s=%s" % pair for pair in self.__dict__.items() if not pair[0].startswith("_"))
        return "LambdaContext([%s])" % shown


class Written:
    """Decimals the way JSON cannot say them through a float: placeholders, put in place of text afterwards."""

    def __init__(self):
        # From Python 3.12 on, the platform leaves text as it is instead of escaping it.
        runtime = os.environ.get("AWS_EXECUTION_ENV", "")
        minor = runtime.rpartition("python3.")[2]
        self.plain = minor.isdigit() and int(minor) < 12
        self.exact = {}

    def __call__(self, value):
        self.exact = {}
        text = json.dumps(value, ensure_ascii=self.plain, default=self.other)
        for mark, number in self.exact.items():
            text = text.replace('"%s"' % mark, number)
        return text.encode("utf-8", "surrogatepass" if not self.plain else "strict")

    def other(self, value):
        if type(value).__name__ == "Decimal" and hasattr(value, "as_tuple"):
            return self.decimal(value)
        if isinstance(value, bytes):
            return value.decode("utf-8")
        raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)

    def decimal(self, value):
        if not value.is_finite():
            return float("nan") if value.is_nan() else float(value)
        near = float(value)
        if type(value)(repr(near)) == value:
            return int(near) if near.is_integer() and "." not in str(value) and abs(near) < 1e15 else near
        mark = "decimal-%d-%s" % (len(self.exact), os.urandom(8).hex())
        self.exact[mark] = str(value)
        return mark


class Unbuffered:
    """A stream whose writes are seen at once: a process that dies must not take its last words along."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        count = self.stream.write(text)
        self.stream.flush()
        return count

    def writelines(self, lines):
        self.stream.writelines(lines)
        self.stream.flush()


class Handler(logging.Handler):
    """Sends log records to standard output with the request they belong to."""

    request_id = ""

    def emit(self, record):
        try:
            record.aws_request_id = Handler.request_id
            sys.stdout.write(self.format(record))
        except Exception:
            self.handleError(record)


class JsonFormatter(logging.Formatter):
    def format(self, record):
        line = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": Handler.request_id,
        }
        if record.exc_info:
            line["errorType"] = record.exc_info[0].__name__ if record.exc_info[0] else None
            line["errorMessage"] = str(record.exc_info[1])
            line["stackTrace"] = traceback.format_exception(*record.exc_info)
        return json.dumps(line, default=str) + "\n"


def set_up_logging():
    logging.Formatter.converter = time.gmtime
    handler = Handler()
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
        handler.setFormatter(JsonFormatter())
    else:
        shape = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        handler.setFormatter(logging.Formatter(shape, "%Y-%m-%dT%H:%M:%S"))
    root = logging.getLogger()
    level = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}
    wanted = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    wanted = level.get(wanted, wanted)
    if wanted in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        root.setLevel(wanted)
    root.addHandler(handler)


def load(name):
    """The function behind `folder/module.function`."""
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        message = "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name
        raise Fault("Runtime.MalformedHandlerName", message)
    try:
        if module_name.split(".")[0] in sys.builtin_module_names:
            message = "Cannot use built-in module %s as a handler module" % module_name
            raise Fault("Runtime.BuiltInModuleConflict", message)
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, error)) from None
    except SyntaxError as error:
        trace = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)]
        message = "Syntax error in module '%s': %s" % (module_name, error)
        raise Fault("Runtime.UserCodeSyntaxError", message, trace) from None
    if not hasattr(module, function_name):
        message = "Handler '%s' missing on module '%s'" % (function_name, module_name)
        raise Fault("Runtime.HandlerNotFound", message)
    return getattr(module, function_name)


def described(error, request_id=""):
    """The error document: type, message and the frames that are the function's own."""
    if isinstance(error, Fault):
        kind, message, trace = error.kind, error.message, error.trace
    else:
        frames = traceback.extract_tb(error.__traceback__)
        own = [index for index, frame in enumerate(frames) if os.path.abspath(frame.filename) != HERE]
        # Without columns: the platform draws no carets below its lines.
        shown = [(f.filename, f.lineno, f.name, f.line) for f in frames[own[0] if own else len(frames) :]]
        kind, message, trace = type(error).__name__, str(error), traceback.format_list(shown)
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}


def told(document):
    """One line in the log for an error, as the platform writes it."""
    text = "[ERROR] %s: %s" % (document["errorType"], document["errorMessage"])
    lines = [text, "Traceback (most recent call last):"]
    for entry in document["stackTrace"]:
        lines += [line.replace(" ", "\u00a0") if line.startswith(" ") else line for line in entry.splitlines()]
    sys.stdout.write("\r".join(lines) + "\n")


def serve(api, handler):
    write = Written()
    while True:
        headers, body = api.next()
        request_id = Handler.request_id = headers["lambda-runtime-aws-request-id"]
        trace = headers.get("lambda-runtime-trace-id")
        if trace:
            os.environ["_X_AMZN_TRACE_ID"] = trace
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        try:
            context = LambdaContext(headers)
            try:
                event = json.loads(body)
            except ValueError as error:
                raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from None
            result, kind = handler(event, context), "application/json"
            if isinstance(result, bytes):
                kind = "application/unknown"
            else:
                try:
                    result = write(result)
                except Exception as error:
                    raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from None
        except Exception as error:
            document = described(error, request_id)
            told(document)
            text = json.dumps(document).encode("utf-8")[:LIMIT]
            api.post("invocation/%s/error" % request_id, text, error_type=document["errorType"])
            del error
        else:
            api.post("invocation/%s/response" % request_id, result, kind)
            del result


def main():
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    root = os.environ.get("LAMBDA_TASK_ROOT", os.getcwd())
    # The folder of this file is nobody's import path; the function's own comes first.
    sys.path[0] = root
    sys.argv = [sys.argv[0]]
    sys.stdout = Unbuffered(sys.stdout)
    sys.stderr = Unbuffered(sys.stderr)
    set_up_logging()
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as error:
        document = described(error)
        told(document)
        api.post("init/error", json.dumps(document).encode("utf-8"), error_type=document["errorType"])
        sys.exit(1)
    serve(api, handler)


if __name__ == "__main__":
    main()
