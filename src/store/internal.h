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
 * Returns the word in the list that is most similar to a misspelled word, or
 * NULL if none is similar.
 */
extern const char *cmig_marker_suggest(const char *word, const char *const *words, int count);

/*
 * Move back from p over byte order marks, and return the new position, which
 * is not before "text".
 */
extern const char *cmig_marker_skip_bom_back(const char *text, const char *p);

/*
 * The first function returns true if the character is white space.  The second
 * one returns a copy of the text from "start" to "end" without white space at
 * either end.
 */
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

/* A quote or comment that seems to contain the first line of a file. */
typedef struct CmigQuotedStart
{
	const char *token;			/* start of the token, which ends at token_end */
	const char *token_end;
	const char *section;		/* start of the section that contains the
								 * token */
	int			line;			/* line of the token */
	/* "place" and "files" are set by file.c */
	char	   *place;			/* the token's position for messages */
	int			files;			/* number of files that begin before the token */
	bool		glued;			/* is the closing quote directly followed by a
								 * word? */
	const char *type;			/* the kind of token, such as "string", for
								 * messages */
	char	   *start;			/* the line that seems to begin a file */
} CmigQuotedStart;

/*
 * If the current token is a quote or comment that seems to contain the first
 * line of a file, returns the token; otherwise, returns NULL.  "section" is
 * the start of the section that contains the token.  "name" is the name of the
 * file that contains the token, or NULL.  Sets *certain to true if another
 * file certainly begins in the token.
 */
extern CmigQuotedStart *cmig_file_start_find_quoted(const CmigLexer *lexer, const char *section,
													const char *name, bool *certain);

/*
 * Returns the first CmigQuotedStart in the list that is in the given section
 * and has a statement that does not parse.  Another file has probably closed
 * such a quote.  Returns NULL if there is none.  The section ends at "end", or
 * at the end of the input if "end" is NULL.
 */
extern const CmigQuotedStart *cmig_file_start_find_open(const List *quoted,
														const char *section,
														const char *end);

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

/* in format.c */

/*
 * Returns a copy of a name or other string, truncated so that a message can
 * contain it.
 */
extern char *cmig_header_value_shortened(const char *name);

/*
 * Returns a copy of a name, truncated and in double quotes, or without quotes
 * if the name itself contains one.
 */
extern char *cmig_header_value_quoted(const char *name);

/*
 * Parse a header value that is a list of ids or labels, separated by commas.
 * "key" is the header key, and "place" is the position of the key for the
 * message.  Raises error MG013 if the value is not valid.
 */
extern CmigNames cmig_header_value_names(const char *key, const char *value, const char *place);

/*
 * Parse the value of the key "placeholders", which declares placeholders for
 * values that are supplied at run time.  Each declaration is returned as
 * "name" or "name literal".  "place" is the position of the key for the
 * message.  Raises error MG013 if the value is not valid.
 */
extern CmigNames cmig_header_value_placeholders(const char *value, const char *place);

/* in file.c */

struct CmigRevisionFile;

/*
 * The state of one pass over the input, which contains one or more revision
 * files.
 */
typedef struct CmigFileReader
{
	CmigLexer	lexer;
	List	   *files;			/* of CmigRevisionFile *: all revisions that
								 * have been read completely */
	List	   *suspects;		/* of CmigQuotedStart *: quotes and comments
								 * that another file may have closed */

	/* The following fields describe the file that is being read. */
	const char *name;			/* name of the file, or NULL */
	const char *text;			/* start of the file */
	int			lines_before;	/* number of lines of the input that precede
								 * the file */
	int			revisions_before;	/* number of revisions in the input that
									 * precede the file */
	int			name_lines;		/* number of "==> name <==" lines so far */

	/* the current revision; NULL before the first revision of the file */
	struct CmigRevisionFile *file;
	const char *id;				/* the revision's id */
	bool		crlf;			/* does the header's first line end in CRLF? */
	int			key_lines[CMIG_KEY_COUNT];	/* line of each header key, or 0
											 * if it has not been seen */
	CmigSection section;
	int			section_lines[CMIG_SECTION_COUNT];	/* line of each section's
													 * marker, or 0 if it has
													 * not been seen */
	const char *section_start;	/* start of the current section; NULL in a
								 * header */
	bool		in_description;
	int			header_line;	/* last line of the header so far */
	StringInfoData description;

	bool		has_sql;		/* has the current section contained SQL so
								 * far? */
	bool		blamed;			/* has an error already been raised for an
								 * unclosed quote? */
} CmigFileReader;

/* Convert a line number of the input to a line number of the current file. */
extern int	cmig_file_reader_line(const CmigFileReader *reader, int line);

/*
 * Returns a position for messages, such as: in revision 003, line 17 of
 * file "003.sql".  "line" is a line number in the input.
 */
extern char *cmig_file_reader_place(const CmigFileReader *reader, int line);

/*
 * Examine the current token.  If it is a quote or comment that contains what
 * looks like the first line of a file, add it to the reader's suspects.
 * Raises an error if it is certain that another file has closed the token.
 */
extern void cmig_file_reader_note_quoted(CmigFileReader *reader);

/*
 * Raise an error if the current section, which ends at "end", contains a quote
 * that another file seems to have closed.  If "end" is NULL, the section ends
 * at the end of the input.
 */
extern void cmig_file_reader_require_closed(CmigFileReader *reader, const char *end);

/*
 * Call this before raising an error for input that cannot be parsed.  If the
 * cause seems to be an unclosed quote in an earlier file, raises an error for
 * that quote instead.
 */
extern void cmig_file_reader_blame(CmigFileReader *reader);

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
 * Returns the version rows of the database and of all scopes, without
 * duplicates.
 */
extern CmigNames *cmig_version_rows_everywhere(void);

/*
 * The first function returns the version rows of the database.  The second
 * function returns those of all scopes, without duplicates.
 */
extern CmigNames *cmig_version_rows_database(void);

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
 * Returns a list of the revisions that are partially applied or reverted in
 * the database or in any scope.  Pass the list to cmig_progress_has().
 */
extern List *cmig_progress_everywhere(void);

/*
 * Does the list contain a row for the revision?  If so, the revision is
 * partially applied or reverted.
 */
extern bool cmig_progress_has(List *rows, const char *revision);

/*
 * "replaced" is the list of revisions that another revision replaces.  Returns
 * true if a scope still needs them, because it has applied only some of them
 * or because one of them is partially applied there.
 */
extern bool cmig_active_needed_in_scopes(const CmigNames *replaced);

/* in version.c */

/*
 * Like cmig_change_begin(), but for a function that writes revisions, which
 * belong to the database and not to a scope.  Makes the database the current
 * scope, and also waits until no run is in progress in any scope.  Call
 * cmig_change_end_revisions() with the result to restore the current scope.
 */
extern void cmig_change_end_revisions(int guc_level);

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
