/*
 * internal.h
 *	  What the modules of src/store share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STORE_INTERNAL_H
#define CMIG_STORE_INTERNAL_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

#include "base/base.h"
#include "parse/parse.h"
#include "store/store.h"

/* in file.c */

#define CMIG_FILE_START "-- revision:"

/* Header keys in the order in which they are written. */
typedef enum CmigHeaderKey
{
	CMIG_KEY_REVISION,
	CMIG_KEY_REPEATABLE,
	CMIG_KEY_DOWN_REVISION,
	CMIG_KEY_DEPENDS_ON,
	CMIG_KEY_BRANCH_LABELS,
	CMIG_KEY_REPLACES,
	CMIG_KEY_PRECONDITION,
	CMIG_KEY_PLACEHOLDERS,
	CMIG_KEY_MESSAGE,
	CMIG_KEY_TRANSACTIONAL,
	CMIG_KEY_CREATE_DATE
} CmigHeaderKey;

#define CMIG_KEY_COUNT 11

extern const char *const cmig_marker_keys[CMIG_KEY_COUNT];

/*
 * Does the comment from "start" to "end" have the form "-- word: value"?  If
 * so, *value and *value_end are set to the value's bounds, without surrounding
 * white space.
 */
extern bool cmig_marker_match(const char *start, const char *end, const char *word,
							  const char **value, const char **value_end);

/* Is the comment the first line of a file, alone on its line? */
extern bool cmig_marker_is_file_start(const CmigLexer *lexer, const char *end);

/*
 * Returns the position in the comment where a file starts without a line break
 * before it, as in "SELECT 1;-- revision: 002" or "-- end-- revision: 002".
 * If there are several such positions, returns the last one.  If there is
 * none, returns "end".
 */
extern const char *cmig_marker_find_glued(const CmigLexer *lexer, const char *end);

/*
 * Is the comment a section marker, or apparently meant to be one?  If so,
 * *section is set to the section that the marker starts, or to -1 if the
 * marker is not correct.
 */
extern bool cmig_marker_find_section(const CmigLexer *lexer, const char *end, int *section);

/*
 * Is the comment a section marker that has no effect because other text
 * precedes it on its line?  If so, *section is set to the section that the
 * marker would otherwise start.
 */
extern bool cmig_marker_is_misplaced(const CmigLexer *lexer, const char *end, int *section);

/*
 * Move back from p over byte order marks, and return the new position, which
 * is not before "text".
 */
extern const char *cmig_marker_skip_bom_back(const char *text, const char *p);

extern bool cmig_marker_is_blank(char c);

/* Format a date in UTC.  Returns NULL if a header cannot contain it. */
extern char *cmig_marker_format_date(TimestampTz timestamp);

/* A command that prints files, with a "==> name <==" line before each. */
#define CMIG_FILE_START_COMMAND \
	"awk 'FNR == 1 { print \"==> \" FILENAME \" <==\" } { print }' migrations/" "*.sql"

/* A "==> name <==" line. */
typedef struct CmigFileStart
{
	const char *name;
	const char *name_end;
	const char *end;			/* end of the line, without its newline */
} CmigFileStart;

/*
 * Does a "==> name <==" line begin at the current token?  If so, sets *start.
 */
extern bool cmig_file_start_match(const CmigLexer *lexer, CmigFileStart *start);

/*
 * If the current token is a quote or block comment that contains a line that
 * would begin a file or revision outside of it, returns that line; otherwise,
 * returns NULL.
 */
extern const char *cmig_file_start_find_quoted(const CmigLexer *lexer);

/*
 * "p" is the position in "text" where a file begins.  Returns the end of the
 * text before that position, not counting trailing white space and byte order
 * marks.
 */
extern const char *cmig_file_start_skip_back(const char *text, const char *p);

/*
 * Does the token contain a byte order mark that is not followed by the first
 * line of a file?
 */
extern bool cmig_file_start_has_bom(const CmigLexer *lexer);

/*
 * Is a comment in a section a header line, or a misspelled "-- revision: id"
 * line?  The comment is the current token and ends at "end".
 */
extern bool cmig_file_start_is_header_line(const CmigLexer *lexer, const char *end);

/*
 * Returns a sentence that says why the current token, a comment that ends at
 * "end", seems to begin another file, or NULL if it does not seem to.
 * after_statement is true if SQL precedes the comment in its section.
 */
extern const char *cmig_file_start_find_other(const CmigLexer *lexer, const char *end,
											  CmigSection section, bool after_statement);

/* in revision_file.c */

/* A revision and the position where it was read. */
typedef struct CmigRevisionFile
{
	CmigRevisionText text;
	const char *name;			/* name of the file, or NULL */
	int			line;			/* line number of the header in the file,
								 * starting at 1 */
} CmigRevisionFile;

/*
 * Parse text that contains one or more revisions.  Returns a List of
 * CmigRevisionFile * with texts in canonical form.  A BEGIN ... COMMIT pair
 * around a section is dropped.  If the first line of a header ends in CRLF,
 * every CRLF in the revision becomes LF.
 *
 * A "==> name <==" line outside of quotes and comments begins a file with that
 * name, which must contain a revision.  "name" is the file name for the text
 * before the first such line, or NULL if it has none.  Raises error MG013; the
 * message contains the file's name and the line in the file.
 */
extern List *cmig_revision_file_parse(const char *text, const char *name);

/* in revisions.c */

/* Does any stored revision replace others? */
extern bool cmig_catalog_has_replacing(void);

/*
 * Insert several revisions.  Their names, such as ids and labels, must not
 * contain commas.
 */
extern void cmig_revision_rows_insert_many(const CmigRevisionText *const *revisions,
										   int count);

/* Replace the stored revision that has the same id. */
extern void cmig_revision_rows_replace(const CmigRevisionText *revision);

extern void cmig_revision_rows_delete(const char *revision);

/* in version.c */

/*
 * Return the version rows of the database and of all scopes, without
 * duplicates, or only those of the database.
 */
extern CmigNames *cmig_version_rows_everywhere(void);
extern CmigNames *cmig_version_rows_database(void);

/*
 * Restore the scope after cmig_change_begin_revisions(), given its result.
 */
extern void cmig_change_end_revisions(int guc_level);

/* in journal.c */

/* The last run of a repeatable revision in the current scope. */
typedef struct CmigJournalRepeatable
{
	char	   *checksum;		/* NULL if the revision has never run */
	bool		reverted;		/* has a downgrade been run since then? */
} CmigJournalRepeatable;

extern CmigJournalRepeatable cmig_journal_read_repeatable(const char *revision);

/* in progress.c */

/*
 * Returns a List of CmigProgressRow * with the revision, scope, and direction
 * of each step that is partially applied in the database or in any scope.
 * Pass the list to cmig_progress_of().
 */
extern List *cmig_progress_everywhere(void);

/* Returns a row of the revision, or NULL if it is not partially applied. */
extern CmigProgressRow *cmig_progress_of(List *rows, const char *revision);

/*
 * "replaced" is the list of revisions that another revision replaces.  Returns
 * true if a scope still needs them, because it has applied only some of them
 * or because one of them is partially applied there.
 */
extern bool cmig_active_needed_in_scopes(const CmigNames *replaced);

/* in load.c */

/*
 * Implements cmig.load and similar functions.  Takes the run lock, compares
 * the revisions in "files" (a List of CmigRevisionFile *) with the stored
 * ones, checks the graph as it would be after loading, stores new and changed
 * revisions, and returns the result rows.  Arguments 1 and 2 of the SQL
 * function are prune and accept_changes.  "function" is its name, for errors.
 *
 * Raises error MG005 if the graph would be broken, MG008 for changes that are
 * not allowed (depending on cmig.checksum_policy), MG011 if cmig.protect
 * forbids prune, and MG013 for invalid files.
 */
extern Datum cmig_load_call(FunctionCallInfo fcinfo, const char *function, List *files);

/* in directory.c */

/* A file name and the id of its revision. */
typedef struct CmigNamedFile
{
	char	   *name;
	char	   *id;
} CmigNamedFile;

/* The names that a file name template produces for revisions. */
typedef struct CmigFileNames
{
	const char *template;
	int			count;
	int			allocated;
	CmigNamedFile *files;
	MemoryContext scratch;		/* memory for building one name; reset after
								 * each name */
} CmigFileNames;

/* Initialize an empty list. */
extern void cmig_file_names_init(CmigFileNames *list, const char *template);

/*
 * Add a revision's file name to "list", a CmigFileNames *.  The name is
 * allocated in the current memory context.
 */
extern void cmig_file_names_add(const CmigRevisionText *revision, void *list);

/*
 * Raise error 22023 if the template produces the same name for two revisions.
 * Sorts the list.
 */
extern void cmig_file_names_require_distinct(CmigFileNames *list);

#endif							/* CMIG_STORE_INTERNAL_H */
