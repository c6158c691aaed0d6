/*
 * load_directory.c
 *	  Loads revision files from a server directory: cmig.load_directory.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <sys/stat.h>

#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "base/argument.h"
#include "base/errors.h"
#include "base/text_list.h"
#include "format/revision_file.h"
#include "load/load.h"

PG_FUNCTION_INFO_V1(cmig_load_directory);

/* An error context callback that names the file that is being converted. */
static void
name_file(void *arg)
{
	errcontext("file \"%s\"", (const char *) arg);
}

/*
 * Returns the contents of a UTF-8 file in the encoding of the database,
 * without a byte order mark.  The result may point into "content".
 */
static char *
decode_file(const char *name, StringInfo content)
{
	ErrorContextCallback callback;
	char	   *text = content->data;
	int			length = content->len;
	int			valid;

	if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
	{
		text += 3;
		length -= 3;
	}
	valid = pg_encoding_verifymbstr(PG_UTF8, text, length);
	if (valid < length)
	{
		int			line = 1;

		for (int i = 0; i < valid; i++)
			if (text[i] == '\n')
				line++;
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("file \"%s\" is not valid UTF-8", name),
				 errdetail("Line %d contains an unexpected byte 0x%02x.",
						   line, (unsigned char) text[valid]),
				 errhint("Save the file in UTF-8.")));
	}

	/*
	 * the conversion fails if the database's encoding does not have a
	 * character, so add the file's name to the error
	 */
	callback.callback = name_file;
	callback.arg = (void *) name;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	text = pg_any_to_server(text, length, PG_UTF8);
	error_context_stack = callback.previous;
	return text;
}

/*
 * Use this in ereport() instead of errcode_for_file_access(), which reports
 * some errors caused by an invalid path as internal errors.
 */
static int
errcode_for_path(void)
{
	errcode_for_file_access();
	if (geterrcode() == ERRCODE_INTERNAL_ERROR)
		errcode(ERRCODE_SYSTEM_ERROR);
	return 0;
}

/* Read a file into "content". */
static void
read_file(const char *path, StringInfo content)
{
	FILE	   *file = AllocateFile(path, PG_BINARY_R);

	if (file == NULL)
		ereport(ERROR,
				(errcode_for_path(),
				 errmsg("could not open file \"%s\": %m", path),
				 errhint("The server's operating system user must be able to read it. To load files from the client, pass their text to cmig.load.")));
	resetStringInfo(content);
	for (;;)
	{
		size_t		got;

		enlargeStringInfo(content, 65536);
		got = fread(content->data + content->len, 1, 65536, file);
		if (ferror(file))
			ereport(ERROR,
					(errcode_for_path(),
					 errmsg("could not read file \"%s\": %m", path)));
		if (got == 0)
			break;
		content->len += got;
		content->data[content->len] = '\0';
	}
	FreeFile(file);
}

/* Returns the names of a directory's .sql files, except hidden ones. */
static List *
list_directory(const char *path)
{
	List	   *names = NIL;
	DIR		   *directory = AllocateDir(path);
	struct dirent *entry;

	if (directory == NULL)
		ereport(ERROR,
				(errcode_for_path(),
				 errmsg("could not open directory \"%s\": %m", path),
				 errhint("The directory must be on the server, and the server's operating system user must be able to read it. To load files from the client, pass their text to cmig.load.")));
	while ((entry = ReadDir(directory, path)) != NULL)
	{
		int			length = strlen(entry->d_name);
		char	   *file;
		struct stat status;

		if (entry->d_name[0] == '.' || length < 5 ||
			strcmp(entry->d_name + length - 4, ".sql") != 0)
			continue;
		file = psprintf("%s/%s", path, entry->d_name);
		if (stat(file, &status) != 0)
			ereport(ERROR,
					(errcode_for_path(),
					 errmsg("could not stat file \"%s\": %m", file)));
		if (S_ISREG(status.st_mode))
			names = lappend(names, pstrdup(entry->d_name));
		pfree(file);
	}
	FreeDir(directory);
	return names;
}

/*
 * Read the .sql files in a directory on the server, ordered by name.  Returns a
 * List of CmigRevisionFile *.
 */
static List *
read_directory(const char *path)
{
	List	   *names;
	List	   *files = NIL;
	ListCell   *lc;
	StringInfoData content;		/* one buffer for all files */

	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read files on the server"),
				 errdetail("cmig.load_directory() requires the privileges of role pg_read_server_files."),
				 errhint("Send the files to cmig.load() with psql, or have a superuser GRANT pg_read_server_files TO %s",
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));

	if (strlen(path) >= MAXPGPATH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the path is too long"),
				 errdetail("It has %zu bytes; a path has at most %d.", strlen(path), MAXPGPATH - 1),
				 errhint("Pass the path of a directory on the server. To load the text of files, use cmig.load.")));
	names = list_directory(path);
	if (names == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("directory \"%s\" contains no .sql files", path),
				 errhint("Specify the directory on the server that contains the revision files; its subdirectories are not read.")));
	cmig_text_list_sort(names);
	initStringInfo(&content);

	foreach(lc, names)
	{
		char	   *name = lfirst(lc);
		char	   *path_of_file = psprintf("%s/%s", path, name);
		char	   *text;

		CHECK_FOR_INTERRUPTS();
		read_file(path_of_file, &content);
		text = decode_file(name, &content);
		files = list_concat(files, cmig_revision_file_parse(text, name));
		if (text < content.data || text > content.data + content.len)
			pfree(text);
		pfree(path_of_file);
	}
	pfree(content.data);
	return files;
}

Datum
cmig_load_directory(PG_FUNCTION_ARGS)
{
	char	   *path = cmig_argument_text(fcinfo, 0);

	if (path == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the path must not be null"),
				 errhint("Pass the path of a directory on the server.")));
	return cmig_load_call(fcinfo, "cmig.load_directory()", read_directory(path));
}
