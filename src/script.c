/*
 * script.c
 *	  SQL scripts as text: statements, what they are, and their checksum.
 *
 * A script is cut at the semicolons that end statements, and each piece goes
 * to core's parser alone.  So memory is that of one statement, and an error
 * of the parser speaks of that statement.  A semicolon does not end a
 * statement inside parentheses (rules) and inside the body of a function
 * written as BEGIN ATOMIC ... END.
 */
#include "postgres.h"

#include <ctype.h>

#include "commands/defrem.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "utils/memutils.h"

#include "lexer.h"
#include "script.h"

struct CmigScript
{
	const char *source;
	CmigLexer	lexer;			/* stands behind the last statement */
	int			number;			/* of the last statement */
};

/* Where a statement lies, found by its tokens alone. */
typedef struct Piece
{
	const char *start;			/* first token; NULL: there is none */
	int			line;
	const char *end;			/* behind the last token, semicolon included */
	bool		has_semicolon;
	const char *backslash;		/* a psql meta-command, or NULL */
	const char *atomic;			/* the word ATOMIC of a body, or NULL */
	bool		open;			/* the script ended inside the body */
	CmigLexer	body;			/* stands behind ATOMIC */
	CmigLexer	behind;			/* stands behind the piece */
} Piece;

/*
 * Hints for psql's commands.  The first that fits counts; a name that ends in
 * * stands for all that start so.
 */
static const struct
{
	const char *command;
	const char *hint;
}			meta_commands[] =
{
	{"i", "Put the text of that file into the script."},
	{"ir", "Put the text of that file into the script."},
	{"include*", "Put the text of that file into the script."},
	{"copy", "Use INSERT, or COPY with a file on the server."},
	{".", "Use INSERT instead of COPY ... FROM STDIN; pg_dump writes it with --inserts."},
	{"c", "Remove it; the script runs in the current database."},
	{"connect", "Remove it; the script runs in the current database."},
	{"echo", "Remove it, or use RAISE NOTICE in a DO block."},
	{"warn", "Remove it, or use RAISE WARNING in a DO block."},
	{"g*", "End the statement with a semicolon; a DO block can use a query's result."},
	{"set*", "Use a DO block with variables, or set_config()."},
	{"if", "Use IF in a DO block."},
	{"el*", "Use IF in a DO block."},
	{"endif", "Use IF in a DO block."},
	{"restrict", "Remove it; pg_dump writes this line for psql."},
	{"unrestrict", "Remove it; pg_dump writes this line for psql."},
};

CmigScript *
cmig_script_open(const char *source)
{
	CmigScript *script = palloc0(sizeof(CmigScript));

	script->source = source;
	cmig_lexer_init(&script->lexer, source);
	return script;
}

void
cmig_script_close(CmigScript *script)
{
	pfree(script);
}

/* A backslash followed by anything else is a mistake that the parser names. */
static bool
is_meta_command(const CmigLexer *lexer)
{
	unsigned char next = lexer->next[0];

	return cmig_lexer_is_char(lexer, '\\') &&
		(isalpha(next) || next == '.' || next == '!' || next == '?');
}

/*
 * Find the next statement by its tokens; lexer moves behind it.
 */
static void
find_piece(CmigLexer *lexer, Piece *piece)
{
	int			parens = 0;
	int			atomic_depth = 0;
	bool		is_create = false;
	bool		after_begin = false;
	bool		may_be_label = false;	/* CASE and END would be names here */

	memset(piece, 0, sizeof(Piece));

	for (;;)
	{
		bool		was_begin = after_begin;
		bool		was_label = may_be_label;

		cmig_lexer_next_sql(lexer);
		if (lexer->type == CMIG_TOKEN_END)
			break;
		if (piece->start == NULL && cmig_lexer_is_char(lexer, ';'))
			continue;			/* an empty statement */

		after_begin = false;
		may_be_label = false;
		if (piece->start == NULL)
		{
			piece->start = lexer->start;
			piece->line = lexer->line;
			is_create = cmig_lexer_is_word(lexer, "create");
		}
		piece->end = lexer->next;

		if (lexer->type == CMIG_TOKEN_WORD)
		{
			if (atomic_depth > 0)
			{
				if (was_label)
					continue;
				if (cmig_lexer_is_word(lexer, "case"))
					atomic_depth++;
				else if (cmig_lexer_is_word(lexer, "end"))
					atomic_depth--;
				else if (cmig_lexer_is_word(lexer, "as"))
					may_be_label = true;
			}
			else if (is_create && parens == 0)
			{
				if (was_begin && cmig_lexer_is_word(lexer, "atomic"))
				{
					atomic_depth = 1;
					piece->atomic = lexer->start;
					piece->body = *lexer;
				}
				else if (cmig_lexer_is_word(lexer, "begin"))
					after_begin = true;
			}
		}
		else if (cmig_lexer_is_char(lexer, '('))
			parens++;
		else if (cmig_lexer_is_char(lexer, ')'))
			parens = Max(parens - 1, 0);
		else if (cmig_lexer_is_char(lexer, '.'))
			may_be_label = true;
		else if (is_meta_command(lexer))
		{
			piece->backslash = lexer->start;
			break;
		}
		else if (cmig_lexer_is_char(lexer, ';') && parens == 0 && atomic_depth == 0)
		{
			piece->has_semicolon = true;
			break;
		}
	}
	piece->open = atomic_depth > 0;
	piece->behind = *lexer;
}

/*
 * Inside a function's body from lexer on: the next semicolon that follows
 * END, which might end the function.  False at the end of the script.
 */
static bool
find_possible_end(CmigLexer *lexer, Piece *piece)
{
	bool		after_end = false;

	for (;;)
	{
		cmig_lexer_next_sql(lexer);
		if (lexer->type == CMIG_TOKEN_END)
			return false;
		if (after_end && cmig_lexer_is_char(lexer, ';'))
			break;
		after_end = cmig_lexer_is_word(lexer, "end");
	}
	piece->end = lexer->next;
	piece->has_semicolon = true;
	piece->open = false;
	piece->behind = *lexer;
	return true;
}

static void
refuse_meta_command(const CmigStatement *statement, const Piece *piece)
{
	const char *name = piece->backslash + 1;
	int			length = strcspn(name, " \t\r\n\f;\\");
	const char *hint = "Remove it, or write in SQL what it does.";

	for (int i = 0; i < lengthof(meta_commands); i++)
	{
		const char *command = meta_commands[i].command;
		int			command_length = strlen(command);
		bool		prefix = command[command_length - 1] == '*';

		if (prefix)
			command_length--;
		if ((prefix ? length >= command_length : length == command_length) &&
			strncmp(command, name, command_length) == 0)
		{
			hint = meta_commands[i].hint;
			break;
		}
	}
	length = pg_mbcliplen(name, length, 40);
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("psql meta-command \"\\%.*s\" cannot run in the server",
					length, name),
			 errdetail("Commands that begin with a backslash are carried out by psql; a script holds SQL alone."),
			 errhint("%s", hint),
			 errposition(pg_mbstrlen_with_len(statement->text,
											  piece->backslash - piece->start) + 1)));
}

/*
 * Parse the text of a function whose end was found by counting CASE and END,
 * which may have been misled by one that is a column label without AS.  Those
 * ends that a parse does not reach are tried in turn.
 */
static List *
parse_atomic(CmigScript *script, CmigStatement *statement, Piece *piece)
{
	MemoryContext context = CurrentMemoryContext;
	CmigLexer	candidates = piece->open ? piece->body : piece->behind;

	if (piece->open)
		(void) find_possible_end(&candidates, piece);

	for (;;)
	{
		List	   *volatile parsed = NIL;
		ErrorData  *volatile error = NULL;
		char	   *text = pnstrdup(piece->start, piece->end - piece->start);

		statement->text = text;
		PG_TRY();
		{
			parsed = raw_parser(text, RAW_PARSE_DEFAULT);
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(context);
			error = CopyErrorData();
			if (error->sqlerrcode != ERRCODE_SYNTAX_ERROR)
				PG_RE_THROW();
			FlushErrorState();
		}
		PG_END_TRY();

		if (error == NULL)
		{
			script->lexer = piece->behind;
			return parsed;
		}

		/*
		 * Only an error at the piece's end says that more is needed; the
		 * caller's error context may have made the position an internal one.
		 */
		if (Max(error->cursorpos, error->internalpos) < pg_mbstrlen(text) ||
			!find_possible_end(&candidates, piece))
		{
			script->lexer = piece->behind;
			ReThrowError(error);
		}
		pfree(text);
	}
}

/*
 * A piece held several statements, because CASE or END was miscounted: keep
 * the first, of that length, and put the lexer behind its semicolon.
 */
static void
go_back(CmigScript *script, const Piece *piece, char *text, int length)
{
	CmigLexer  *lexer = &script->lexer;

	cmig_lexer_move(lexer, piece->start, piece->line);
	do
	{
		cmig_lexer_next_sql(lexer);
	} while (lexer->start < piece->start + length &&
			 lexer->type != CMIG_TOKEN_END);
	text[length] = '\0';
}

bool
cmig_script_next(CmigScript *script, CmigStatement *statement)
{
	Piece		piece;
	List	   *parsed;
	char	   *text;

	/* as psql does, follow what the script itself has set */
	script->lexer.standard_conforming_strings = standard_conforming_strings;

	find_piece(&script->lexer, &piece);
	if (piece.start == NULL)
		return false;

	statement->raw = NULL;
	statement->number = ++script->number;
	statement->line = piece.line;
	statement->offset = piece.start - script->source;

	if (piece.backslash)
	{
		statement->text = pnstrdup(piece.start, piece.backslash - piece.start +
								   strcspn(piece.backslash, "\r\n"));
		refuse_meta_command(statement, &piece);
	}

	if (piece.atomic)
		parsed = parse_atomic(script, statement, &piece);
	else
	{
		statement->text = pnstrdup(piece.start, piece.end - piece.start);
		parsed = raw_parser(statement->text, RAW_PARSE_DEFAULT);
	}
	if (parsed == NIL)
		elog(ERROR, "no statement in \"%s\"", statement->text);

	/* the semicolon was there for the parser's messages only */
	text = (char *) statement->text;
	statement->raw = linitial_node(RawStmt, parsed);
	if (list_length(parsed) > 1)
		go_back(script, &piece, text, statement->raw->stmt_len);
	else if (piece.has_semicolon)
		text[strlen(text) - 1] = '\0';
	statement->raw->stmt_location = 0;
	statement->raw->stmt_len = 0;
	return true;
}

/* The Boolean value of an option, or what it is without being given. */
static bool
option_value(List *options, const char *name, bool otherwise)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, name) == 0)
			return defGetBoolean(option);
	}
	return otherwise;
}

static bool
has_option(List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, name) == 0)
			return true;
	}
	return false;
}

static const char *
transaction_name(const TransactionStmt *statement)
{
	switch (statement->kind)
	{
		case TRANS_STMT_BEGIN:
			return "BEGIN";
		case TRANS_STMT_START:
			return "START TRANSACTION";
		case TRANS_STMT_COMMIT:
			return "COMMIT";
		case TRANS_STMT_ROLLBACK:
			return "ROLLBACK";
		case TRANS_STMT_SAVEPOINT:
			return "SAVEPOINT";
		case TRANS_STMT_RELEASE:
			return "RELEASE SAVEPOINT";
		case TRANS_STMT_ROLLBACK_TO:
			return "ROLLBACK TO SAVEPOINT";
		case TRANS_STMT_PREPARE:
			return "PREPARE TRANSACTION";
		case TRANS_STMT_COMMIT_PREPARED:
			return "COMMIT PREPARED";
		case TRANS_STMT_ROLLBACK_PREPARED:
			return "ROLLBACK PREPARED";
	}
	return "transaction control";
}

static CmigStatementClass
classify_reindex(const ReindexStmt *statement, const char **reason)
{
	switch (statement->kind)
	{
		case REINDEX_OBJECT_SCHEMA:
			*reason = "REINDEX SCHEMA";
			return CMIG_STATEMENT_TOP_LEVEL;
		case REINDEX_OBJECT_SYSTEM:
			*reason = "REINDEX SYSTEM";
			return CMIG_STATEMENT_TOP_LEVEL;
		case REINDEX_OBJECT_DATABASE:
			*reason = "REINDEX DATABASE";
			return CMIG_STATEMENT_TOP_LEVEL;
		case REINDEX_OBJECT_INDEX:
		case REINDEX_OBJECT_TABLE:
			break;
	}
	if (option_value(statement->params, "concurrently", false))
	{
		*reason = statement->kind == REINDEX_OBJECT_INDEX ?
			"REINDEX INDEX CONCURRENTLY" : "REINDEX TABLE CONCURRENTLY";
		return CMIG_STATEMENT_CONCURRENTLY;
	}
	*reason = "REINDEX";
	return CMIG_STATEMENT_PLAIN;
}

/* What depends on the subscription itself is left to the server. */
static CmigStatementClass
classify_subscription(const Node *node, const char **reason)
{
	if (IsA(node, CreateSubscriptionStmt))
	{
		List	   *options = ((const CreateSubscriptionStmt *) node)->options;

		*reason = "CREATE SUBSCRIPTION that creates a slot";
		if (option_value(options, "connect", true) &&
			option_value(options, "create_slot", true))
			return CMIG_STATEMENT_TOP_LEVEL;
	}
	else
	{
		const AlterSubscriptionStmt *alter = (const AlterSubscriptionStmt *) node;

		switch (alter->kind)
		{
			case ALTER_SUBSCRIPTION_REFRESH:
				*reason = "ALTER SUBSCRIPTION ... REFRESH PUBLICATION";
				return CMIG_STATEMENT_TOP_LEVEL;
			case ALTER_SUBSCRIPTION_SET_PUBLICATION:
			case ALTER_SUBSCRIPTION_ADD_PUBLICATION:
			case ALTER_SUBSCRIPTION_DROP_PUBLICATION:
				*reason = "ALTER SUBSCRIPTION with refresh";
				if (option_value(alter->options, "refresh", true))
					return CMIG_STATEMENT_TOP_LEVEL;
				break;
			case ALTER_SUBSCRIPTION_OPTIONS:
				/* they alter the slot, on servers that know them */
				*reason = "ALTER SUBSCRIPTION ... SET (failover or two_phase)";
				if (has_option(alter->options, "failover") ||
					has_option(alter->options, "two_phase"))
					return CMIG_STATEMENT_TOP_LEVEL;
				break;
			default:
				break;
		}
	}
	*reason = "SUBSCRIPTION";
	return CMIG_STATEMENT_PLAIN;
}

/* The DETACH PARTITION ... CONCURRENTLY among the actions, or NULL. */
static PartitionCmd *
find_detach_concurrently(const AlterTableStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_DetachPartition &&
			castNode(PartitionCmd, command->def)->concurrent)
			return (PartitionCmd *) command->def;
	}
	return NULL;
}

CmigStatementClass
cmig_script_classify(const RawStmt *raw, const char **reason)
{
	const Node *node = raw->stmt;

	switch (nodeTag(node))
	{
		case T_TransactionStmt:
			*reason = transaction_name((const TransactionStmt *) node);
			return CMIG_STATEMENT_TRANSACTION;

		case T_CopyStmt:
			{
				const CopyStmt *copy = (const CopyStmt *) node;

				if (copy->filename == NULL && !copy->is_program)
				{
					*reason = copy->is_from ? "COPY FROM STDIN" : "COPY TO STDOUT";
					return CMIG_STATEMENT_CLIENT_COPY;
				}
				break;
			}

		case T_DiscardStmt:
			if (((const DiscardStmt *) node)->target == DISCARD_ALL)
			{
				*reason = "DISCARD ALL";
				return CMIG_STATEMENT_DISCARD_ALL;
			}
			break;

		case T_IndexStmt:
			if (((const IndexStmt *) node)->concurrent)
			{
				*reason = "CREATE INDEX CONCURRENTLY";
				return CMIG_STATEMENT_CONCURRENTLY;
			}
			break;

		case T_DropStmt:
			if (((const DropStmt *) node)->concurrent)
			{
				*reason = "DROP INDEX CONCURRENTLY";
				return CMIG_STATEMENT_CONCURRENTLY;
			}
			break;

		case T_AlterTableStmt:
			if (find_detach_concurrently((const AlterTableStmt *) node))
			{
				*reason = "ALTER TABLE ... DETACH PARTITION CONCURRENTLY";
				return CMIG_STATEMENT_CONCURRENTLY;
			}
			break;

		case T_ReindexStmt:
			return classify_reindex((const ReindexStmt *) node, reason);

		case T_VacuumStmt:
			if (((const VacuumStmt *) node)->is_vacuumcmd)
			{
				*reason = "VACUUM";
				return CMIG_STATEMENT_TOP_LEVEL;
			}
			break;

		case T_ClusterStmt:
			if (((const ClusterStmt *) node)->relation == NULL)
			{
				*reason = "CLUSTER without a table";
				return CMIG_STATEMENT_TOP_LEVEL;
			}
			break;

		case T_CreatedbStmt:
			*reason = "CREATE DATABASE";
			return CMIG_STATEMENT_TOP_LEVEL;

		case T_DropdbStmt:
			*reason = "DROP DATABASE";
			return CMIG_STATEMENT_TOP_LEVEL;

		case T_AlterDatabaseStmt:
			if (has_option(((const AlterDatabaseStmt *) node)->options, "tablespace"))
			{
				*reason = "ALTER DATABASE ... SET TABLESPACE";
				return CMIG_STATEMENT_TOP_LEVEL;
			}
			break;

		case T_CreateTableSpaceStmt:
			*reason = "CREATE TABLESPACE";
			return CMIG_STATEMENT_TOP_LEVEL;

		case T_DropTableSpaceStmt:
			*reason = "DROP TABLESPACE";
			return CMIG_STATEMENT_TOP_LEVEL;

		case T_AlterSystemStmt:
			*reason = "ALTER SYSTEM";
			return CMIG_STATEMENT_TOP_LEVEL;

		case T_CreateSubscriptionStmt:
		case T_AlterSubscriptionStmt:
			return classify_subscription(node, reason);

		default:
			break;
	}
	*reason = "a statement that runs in a transaction";
	return CMIG_STATEMENT_PLAIN;
}

bool
cmig_script_changes_strings(const RawStmt *raw)
{
	const VariableSetStmt *set = (const VariableSetStmt *) raw->stmt;

	return IsA(set, VariableSetStmt) &&
		(set->kind == VAR_RESET_ALL ||
		 (set->name && pg_strcasecmp(set->name, "standard_conforming_strings") == 0));
}

RawStmt *
cmig_script_without_concurrently(const RawStmt *raw)
{
	RawStmt    *copy = (RawStmt *) copyObjectImpl(raw);
	Node	   *node = copy->stmt;

	if (IsA(node, IndexStmt))
		((IndexStmt *) node)->concurrent = false;
	else if (IsA(node, DropStmt))
		((DropStmt *) node)->concurrent = false;
	else if (IsA(node, ReindexStmt))
	{
		ReindexStmt *reindex = (ReindexStmt *) node;
		ListCell   *lc;

		foreach(lc, reindex->params)
		{
			if (strcmp(lfirst_node(DefElem, lc)->defname, "concurrently") == 0)
				reindex->params = foreach_delete_current(reindex->params, lc);
		}
	}
	else if (IsA(node, AlterTableStmt))
	{
		PartitionCmd *detach;

		while ((detach = find_detach_concurrently((AlterTableStmt *) node)) != NULL)
			detach->concurrent = false;
	}
	else
		elog(ERROR, "no CONCURRENTLY in node type %d", (int) nodeTag(node));
	return copy;
}

/* Is the current token one of these words (a NULL ends them)? */
static bool
is_any_word(const CmigLexer *lexer, const char *const *words)
{
	for (; *words != NULL; words++)
		if (cmig_lexer_is_word(lexer, *words))
			return true;
	return false;
}

bool
cmig_script_may_need_top_level(const char *source)
{
	static const char *const first_words[] = {
		"abort", "begin", "cluster", "commit", "copy", "discard", "end",
		"reindex", "release", "rollback", "savepoint", "start", "vacuum", NULL
	};
	static const char *const verbs[] = {"alter", "create", "drop", "prepare", NULL};
	static const char *const objects[] = {
		"database", "subscription", "system", "tablespace", "transaction", NULL
	};
	CmigLexer	lexer;
	bool		at_start = true;
	bool		after_verb = false;

	cmig_lexer_init(&lexer, source);
	lexer.standard_conforming_strings = standard_conforming_strings;

	/*
	 * Every semicolon counts as an end here, which can only add a wrong
	 * "yes".
	 */
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		if (cmig_lexer_is_char(&lexer, '\\') || lexer.unterminated)
			return true;
		if (lexer.type == CMIG_TOKEN_WORD)
		{
			if ((at_start && is_any_word(&lexer, first_words)) ||
				(after_verb && is_any_word(&lexer, objects)) ||
				cmig_lexer_is_word(&lexer, "concurrently"))
				return true;
			after_verb = at_start && is_any_word(&lexer, verbs);
		}
		else
			after_verb = false;
		at_start = cmig_lexer_is_char(&lexer, ';');
	}
	return false;
}

/*
 * The checksum must stay the same over server versions and architectures, so
 * only the letters of the text go into it: each token's kind (the letters
 * below are part of the format), its length, and its bytes, words in lower
 * case.
 */
static char
checksum_kind(const CmigLexer *lexer)
{
	switch (lexer->type)
	{
		case CMIG_TOKEN_WORD:
			return 'w';
		case CMIG_TOKEN_QUOTED:
			return 'q';
		case CMIG_TOKEN_STRING:
			return lexer->continued ? 'c' : 's';
		case CMIG_TOKEN_DOLLAR:
			return 'd';
		case CMIG_TOKEN_NUMBER:
			return 'n';
		case CMIG_TOKEN_PARAM:
			return 'p';
		default:
			return 'o';
	}
}

char *
cmig_script_checksum(const char *upgrade_sql, bool transactional)
{
	static const char digits[] = "0123456789abcdef";
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *result = palloc(2 * sizeof(digest) + 1);
	CmigLexer	lexer;
	StringInfoData buffer;
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	initStringInfo(&buffer);
	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		elog(ERROR, "could not start sha256");

	appendStringInfoChar(&buffer, transactional ? 't' : 'f');
	cmig_lexer_init(&lexer, upgrade_sql);
	for (;;)
	{
		CmigTokenType type = cmig_lexer_next_sql(&lexer);
		int			length = lexer.next - lexer.start;

		if (type == CMIG_TOKEN_END || buffer.len > 16384)
		{
			if (pg_cryptohash_update(hash, (uint8 *) buffer.data, buffer.len) < 0)
				elog(ERROR, "could not update sha256");
			resetStringInfo(&buffer);
			if (type == CMIG_TOKEN_END)
				break;
		}

		appendStringInfo(&buffer, "%c%d:", checksum_kind(&lexer), length);
		if (type == CMIG_TOKEN_WORD)
		{
			for (int i = 0; i < length; i++)
				appendStringInfoChar(&buffer,
									 pg_ascii_tolower((unsigned char) lexer.start[i]));
		}
		else if (length > 16384)
		{
			/* not through the buffer, which is for small tokens */
			if (pg_cryptohash_update(hash, (uint8 *) buffer.data, buffer.len) < 0 ||
				pg_cryptohash_update(hash, (const uint8 *) lexer.start, length) < 0)
				elog(ERROR, "could not update sha256");
			resetStringInfo(&buffer);
		}
		else
			appendBinaryStringInfo(&buffer, lexer.start, length);
	}

	if (pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not finish sha256");
	pg_cryptohash_free(hash);
	pfree(buffer.data);

	for (int i = 0; i < sizeof(digest); i++)
	{
		result[2 * i] = digits[digest[i] >> 4];
		result[2 * i + 1] = digits[digest[i] & 15];
	}
	result[2 * sizeof(digest)] = '\0';
	return result;
}

/*
 * Does the statement at lexer (which stands on its first word) only open or
 * close a transaction, without options?  Moves behind it.
 */
static bool
is_bare_transaction(CmigLexer *lexer, bool opening)
{
	bool		start = opening && cmig_lexer_is_word(lexer, "start");

	if (!start && !cmig_lexer_is_word(lexer, opening ? "begin" : "commit") &&
		(opening || !cmig_lexer_is_word(lexer, "end")))
		return false;

	cmig_lexer_next_sql(lexer);
	if (cmig_lexer_is_word(lexer, "transaction") ||
		(!start && cmig_lexer_is_word(lexer, "work")))
		cmig_lexer_next_sql(lexer);
	else if (start)
		return false;
	return cmig_lexer_is_char(lexer, ';') || lexer->type == CMIG_TOKEN_END;
}

/* Is the statement transaction control of any kind? */
static bool
is_transaction_control(const CmigLexer *lexer)
{
	static const char *const words[] = {
		"abort", "begin", "commit", "end", "rollback", "start", NULL
	};

	return is_any_word(lexer, words);
}

static void
blank(char *from, const char *to)
{
	for (; from < to; from++)
		if (*from != '\n' && *from != '\r')
			*from = ' ';
}

char *
cmig_script_strip_outer_transaction(const char *source)
{
	CmigLexer	lexer;
	Piece		piece;
	const char *begin;
	const char *begin_end;
	Piece		last;
	char	   *result;

	/* most scripts are told apart by their first word */
	cmig_lexer_init(&lexer, source);
	do
	{
		cmig_lexer_next_sql(&lexer);
	} while (cmig_lexer_is_char(&lexer, ';'));
	begin = lexer.start;
	if (!is_bare_transaction(&lexer, true))
		return (char *) source;
	begin_end = lexer.next;

	/* it closes with the last statement, and no other comes between */
	memset(&last, 0, sizeof(last));
	for (;;)
	{
		find_piece(&lexer, &piece);
		if (piece.start == NULL)
			break;
		if (last.start != NULL)
		{
			CmigLexer	word;

			cmig_lexer_init(&word, last.start);
			cmig_lexer_next_sql(&word);
			if (is_transaction_control(&word))
				return (char *) source;
		}
		last = piece;
		if (piece.backslash)
			return (char *) source;
	}
	if (last.start == NULL)
		return (char *) source;
	cmig_lexer_init(&lexer, last.start);
	cmig_lexer_next_sql(&lexer);
	if (!is_bare_transaction(&lexer, false))
		return (char *) source;

	result = pstrdup(source);
	blank(result + (begin - source), result + (begin_end - source));
	blank(result + (last.start - source), result + (last.end - source));
	return result;
}
