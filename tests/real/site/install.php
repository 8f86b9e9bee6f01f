<?php
// Sets the site up and prints each user with an application password, as JSON.
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = parse_url(getenv('SITE_ADDRESS'), PHP_URL_HOST);
require $argv[1] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
function wp_mail(): bool
{
    return true; // there is nobody to tell
}
wp_install('Gulou', 'owner', 'owner@gulou.example', true, '', 'a password for tests');
update_option('permalink_structure', '/%postname%/');
update_option('comment_previously_approved', 0); // a stranger's first comment is shown
$made = [];
foreach (['editor', 'contributor'] as $role) {
    $id = wp_insert_user(['user_login' => $role, 'user_pass' => 'unused', 'role' => $role,
        'user_email' => "$role@gulou.example", 'display_name' => '鼓楼茶']);
    [$password] = WP_Application_Passwords::create_new_application_password($id, ['name' => 'drumtower']);
    $made[$role] = $password;
}
echo json_encode($made);
